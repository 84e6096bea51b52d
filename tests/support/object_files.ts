/**
 * Files in a bucket of a real broker, for tests.
 *
 * @module
 */
import type { NatsConnection } from "nats";
import { LogClient } from "../../src/log/thread/log_client.ts";
import type { FilePlace, PlacedFile } from "../../src/snapshot/file_place.ts";
import type { BackupInfo } from "../../src/snapshot/format/backup_info.ts";
import { LOG_ID } from "./snapshots.ts";

/** The bucket of the log that tests use, and its stream. */
export const BUCKET = "USERGRADE-snapshots";
export const BUCKET_STREAM = `OBJ_${BUCKET}`;

/** The chunks in which the bucket keeps files. */
export const CHUNK_BYTES = 128 * 1024;

/** What a file says of itself. */
export function infoAt(
  sequence: number,
  made = "2026-11-26T01:02:03.456Z",
): BackupInfo {
  return {
    made,
    logId: LOG_ID,
    sequence,
    time: "2026-11-23T22:49:59.123456789Z",
    rows: 3,
    digest: "0123456789abcdef",
  };
}

/** @returns Bytes that are others for each seed. */
export function someBytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed;
  for (let i = 0; i < words.length; i++) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer).slice(0, length);
}

/** @returns The open log of a replica's process, whose bucket it uses. */
export async function openLog(
  url: string,
  replicaId: string,
): Promise<LogClient> {
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
  return log;
}

/** Writes a file in pieces, each a bit larger than the one before. */
export async function putFile(
  place: FilePlace,
  info: BackupInfo,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<PlacedFile> {
  const sink = await place.create(info);
  try {
    for (let at = 0, step = 50_000; at < bytes.length; at += step++) {
      await sink.write(bytes.slice(at, at + step));
    }
    return await sink.commit();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

/** Reads a file. */
export async function readFile(
  place: FilePlace,
  id: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = await place.open(id, signal);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** How many messages each subject of the bucket has. */
export async function bucketSubjects(
  client: NatsConnection,
): Promise<Record<string, number>> {
  const manager = await client.jetstreamManager();
  const { state } = await manager.streams.info(BUCKET_STREAM, {
    subjects_filter: ">",
  });
  return state.subjects ?? {};
}

/** The sequences of the messages on a subject, in order. */
export async function sequencesOn(
  client: NatsConnection,
  subject: string,
): Promise<number[]> {
  const { streams } = await client.jetstreamManager();
  const { state } = await streams.info(BUCKET_STREAM);
  const found: number[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await streams.getMessage(BUCKET_STREAM, { seq })
      .catch(() => undefined);
    if (message?.subject === subject) found.push(seq);
  }
  return found;
}

/** Puts others in the place of a file's chunks: the bytes of the file, changed. */
export async function replaceChunks(
  client: NatsConnection,
  id: string,
  change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>,
): Promise<void> {
  const { streams } = await client.jetstreamManager();
  const subject = `$O.${BUCKET}.C.${id.split("/")[1]}`;
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (const seq of await sequencesOn(client, subject)) {
    const { data } = await streams.getMessage(BUCKET_STREAM, { seq });
    parts.push(Uint8Array.from(data));
  }
  const bytes = change(
    new Uint8Array(await new Blob(parts).arrayBuffer()),
  );
  await streams.purge(BUCKET_STREAM, { filter: subject });
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    await client.jetstream().publish(
      subject,
      bytes.subarray(at, at + CHUNK_BYTES),
    );
  }
}

/** The id of a file's chunks. */
export function chunkIdOf({ id }: PlacedFile): string {
  return id.split("/")[1];
}

/** The subject of a file's chunks. */
export function chunksOf(file: PlacedFile): string {
  return `$O.${BUCKET}.C.${chunkIdOf(file)}`;
}

/** The file's name in the bucket. */
export function nameOf({ id }: PlacedFile): string {
  return id.split("/")[0];
}

/** The subject of a file's metadata. */
export function metaOf(file: PlacedFile): string {
  const name = new TextEncoder().encode(nameOf(file));
  return `$O.${BUCKET}.M.${name.toBase64({ alphabet: "base64url" })}`;
}
