/**
 * Deleting the chunks that dead uploads have left: they belong to no snapshot,
 * and nothing else deletes them.
 *
 * @module
 */
import { chunkIdIn } from "./object_meta.ts";
import {
  chunkIdOf,
  chunkSubject,
  metaSubject,
  writerOf,
} from "./object_names.ts";
import type { ObjectStream } from "./object_stream.ts";

/** An upload is dead if its newest chunk is this old by the server's clock. */
export const DEAD_AFTER_MS = 30_000;

/** The most uploads that are looked at in one sweep. */
const SWEPT_MAX = 64;

/** Who sweeps: an upload that begins. */
export interface Sweeper {
  readonly bucket: string;
  readonly replicaId: string;
  /** The id of its chunks, of which none is stored yet. */
  readonly chunkId: string;
  /** Whether this process is uploading these chunks now. */
  isLiving(chunkId: string): boolean;
}

/**
 * Deletes the chunks without metadata that this replica wrote before its last
 * start, and those of other replicas whose uploads have been silent for a
 * while. Chunks that no replica wrote stay.
 *
 * @param deadAfter_ms How long that while is, by the server's clock.
 */
export async function sweepDeadUploads(
  stream: ObjectStream,
  sweeper: Sweeper,
  deadAfter_ms = DEAD_AFTER_MS,
): Promise<void> {
  const { bucket, replicaId } = sweeper;
  const chunkIds = (await stream.subjects(chunkSubject(bucket)))
    .map(chunkIdOf)
    .filter((id) => writerOf(id) !== undefined && !sweeper.isLiving(id));
  const taken = await idsWithMeta(stream, bucket);
  const without = chunkIds.filter((id) => !taken.has(id)).slice(0, SWEPT_MAX);
  if (without.length === 0) return;
  const dead = without.filter((id) => writerOf(id) === replicaId);
  const others = without.filter((id) => writerOf(id) !== replicaId);
  for (const id of dead) await stream.purge(chunkSubject(bucket, id));
  if (others.length === 0) return;
  const silent = await silentOnes(stream, sweeper, others, deadAfter_ms);
  // Once more: a silent upload never gets metadata, but one that was at work
  // until now has ended well since.
  const takenNow = await idsWithMeta(stream, bucket);
  for (const id of silent) {
    if (!takenNow.has(id)) await stream.purge(chunkSubject(bucket, id));
  }
}

/** @returns The chunk ids of all objects, also those of later versions. */
async function idsWithMeta(
  stream: ObjectStream,
  bucket: string,
): Promise<Set<string>> {
  const ids = new Set<string>();
  for (const subject of await stream.subjects(metaSubject(bucket))) {
    const message = await stream.last(subject);
    const id = message && chunkIdIn(message.data);
    if (id !== undefined) ids.add(id);
  }
  return ids;
}

/** @returns The ids to which nothing was added for so long. */
async function silentOnes(
  stream: ObjectStream,
  { bucket, chunkId }: Sweeper,
  chunkIds: readonly string[],
  longerThan_ms: number,
): Promise<string[]> {
  const now_ms = await serverTime_ms(stream, chunkSubject(bucket, chunkId));
  const silent: string[] = [];
  for (const id of chunkIds) {
    const newest = await stream.last(chunkSubject(bucket, id));
    if (newest !== undefined && now_ms - newest.time_ms > longerThan_ms) {
      silent.push(id);
    }
  }
  return silent;
}

/** The server's time: that of a message which it takes now. */
async function serverTime_ms(
  stream: ObjectStream,
  subject: string,
): Promise<number> {
  await stream.publish(subject, "now");
  try {
    const message = await stream.last(subject);
    if (message === undefined) throw new Error(`${subject} has lost a message`);
    return message.time_ms;
  } finally {
    await stream.purge(subject);
  }
}
