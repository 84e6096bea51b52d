import { LogClient } from "../../../src/log/thread/log_client.ts";
import { TemporaryFolder } from "../../support/temporary_folder.ts";

Deno.test("LogClient.close() closes a log whose engine is still being loaded", async () => {
  using folder = new TemporaryFolder();
  const log = new LogClient();
  const connected = log.connect({ engine: "sqlite", directory: folder.path });
  await log.close();
  await connected;
});
