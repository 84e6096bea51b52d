/**
 * Reading a snapshot out of a bucket.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { SnapshotDamagedError } from "../../snapshot/snapshot.ts";
import { digestText, type ObjectMeta } from "./object_meta.ts";
import { chunkSubject } from "./object_names.ts";
import type { ObjectMessage, ObjectStream } from "./object_stream.ts";

/** How many questions for chunks are under way. */
const QUESTIONS_MAX = 2;

/**
 * Asks for each chunk in turn, the next ones while those before are used.
 *
 * A question names a sequence and gets the first chunk from there on. Sequences
 * are asked one after the other, and none is left out, so that no chunk is.
 *
 * @yields Its bytes, each chunk with a buffer of its own.
 * @throws {SnapshotDamagedError} If a chunk is missing, or not as it was stored.
 * @throws {ApiError} If the server does not answer.
 */
export async function* readChunks(
  stream: ObjectStream,
  { bucket, chunkId, bytes, chunks, digest }: ObjectMeta,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const subject = chunkSubject(bucket, chunkId);
  const hash = createHash("sha256");
  const questions: Promise<ObjectMessage | undefined>[] = [];
  /** All chunks before this sequence are had or asked for. */
  let next = 1;
  let last = 0;
  let read = 0;
  for (let chunk = 0; chunk < chunks;) {
    // Where it begins is not known before the first answer.
    while (questions.length < (chunk === 0 ? 1 : QUESTIONS_MAX)) {
      const answer = stream.next(subject, next++);
      // It may fail while nobody waits for it, or any more.
      answer.catch(() => {});
      questions.push(answer);
    }
    const message = await abortable(questions.shift()!, signal);
    if (message === undefined) {
      throw damaged(`${chunk} of its ${chunks} chunks are there`);
    }
    next = Math.max(next, message.sequence + 1);
    // Other messages lay between, so two questions got the same chunk.
    if (message.sequence <= last) continue;
    last = message.sequence;
    chunk++;
    read += message.data.length;
    hash.update(message.data);
    yield message.data;
  }
  if (read !== bytes) throw damaged(`it has ${read} bytes and says ${bytes}`);
  if (digestText(hash.digest()) !== digest) {
    throw damaged("its SHA-256 is another one than it says");
  }
  if (await abortable(stream.next(subject, last + 1), signal) !== undefined) {
    throw damaged(`it has more than ${chunks} chunks`);
  }
}

function damaged(reason: string): SnapshotDamagedError {
  return new SnapshotDamagedError(`damaged: ${reason}`);
}

/** Waits for an answer, but not once that is aborted. */
async function abortable<T>(
  answer: Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([answer, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
