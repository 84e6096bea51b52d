/**
 * A replica's process that uploads to the bucket until it is killed.
 * Arguments: the broker's URL, the replica's id.
 *
 * @module
 */
import { LogClient } from "../../src/log/thread/log_client.ts";
import { infoAt, someBytes } from "./object_files.ts";

const [url, replicaId] = Deno.args;
const log = new LogClient();
await log.connect({
  engine: "jetstream",
  servers: [url],
  stream: "USERGRADE",
  streamReplicas: 1,
  replicaId,
  commitTimeout_ms: 2_000,
});
await log.open();
const sink = await log.files.create(infoAt(1));
for (;;) await sink.write(someBytes(64 * 1024));
