/**
 * One measurement by autocannon. Its arguments are the package and the load as
 * JSON; it prints its figures as JSON.
 *
 * @module
 */
import { AUTHORIZATION } from "../../support/credentials.ts";
import { type Figures, figuresOf } from "./figures.ts";
import type { Load } from "./load.ts";
import { requests } from "./requests.ts";

/** What is printed. */
export interface AutocannonSummary extends Figures {
  readonly wrong: number;
  readonly broken: number;
}

/** What is used of the package. */
interface Client {
  setRequests(requests: readonly object[]): void;
}

interface Result {
  readonly duration: number;
  readonly non2xx: number;
  readonly errors: number;
}

const [specifier, json] = Deno.args;
const { url, kind, population, connections, seconds }: Load = JSON.parse(json);
// Named by an argument, so that it is fetched only where it is used.
const { default: autocannon } = await import(specifier);

const headers = kind.startsWith("set")
  ? { authorization: AUTHORIZATION }
  : undefined;
const all = requests(kind, population).map((request) => ({
  ...request,
  headers,
}));
let client = 0;
// Its own histogram counts whole milliseconds.
const latencies_ms: number[] = [];

const run = autocannon({
  url,
  connections,
  duration: seconds,
  sampleInt: 100,
  setupClient(one: Client) {
    const mine = client++;
    one.setRequests(all.filter((_, index) => index % connections === mine));
  },
});
run.on(
  "response",
  (_client: Client, _status: number, _bytes: number, time_ms: number) =>
    latencies_ms.push(time_ms),
);
const { duration, non2xx, errors }: Result = await run;
const figures = latencies_ms.length === 0
  ? { answers: 0, per_s: 0, p50_ms: 0, p99_ms: 0 }
  : figuresOf(Float64Array.from(latencies_ms), duration);
const summary: AutocannonSummary = {
  ...figures,
  wrong: non2xx,
  broken: errors,
};
console.log(JSON.stringify(summary));
