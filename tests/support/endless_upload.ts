/**
 * A replica's process that uploads to the bucket until it is killed.
 * Arguments: the broker's URL, the replica's id.
 *
 * @module
 */
import { infoAt, openLog, someBytes } from "./object_files.ts";

const [url, replicaId] = Deno.args;
const log = await openLog(url, replicaId);
const sink = await log.files.create(infoAt(1));
for (;;) await sink.write(someBytes(64 * 1024));
