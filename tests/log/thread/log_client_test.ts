import assert from "node:assert/strict";
import { FindAgainError } from "../../../src/log/log.ts";
import { LogClient } from "../../../src/log/thread/log_client.ts";
import { options } from "../../support/jetstream_session.ts";
import { NatsServer } from "../../support/nats_server.ts";
import { quietLog } from "../../support/quiet_log.ts";
import { TemporaryFolder } from "../../support/temporary_folder.ts";

Deno.test("LogClient.close() closes a log whose engine is still being loaded", async () => {
  using folder = new TemporaryFolder();
  const log = new LogClient();
  const connected = log.connect({ engine: "sqlite", directory: folder.path });
  await log.close();
  await connected;
});

Deno.test("LogClient makes no log that was missing over an earlier connection, before it is looked for again", async () => {
  await using server = await NatsServer.start();
  const log = quietLog();
  await log.connect(options(server));
  assert.equal(await log.find(), undefined);
  await server.stop();
  await server.start();
  await assert.rejects(() => log.open(), FindAgainError);
  assert.equal(await log.find(), undefined);
  assert.ok((await log.open()).isNew);
  await log.close();
});
