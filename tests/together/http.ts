import { testTogether } from "../support/together.ts";

await testTogether("http");
