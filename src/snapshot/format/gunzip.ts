/**
 * Unzipping gzip files of any number of members (RFC 1952), as `cat a.gz b.gz`
 * and bgzip make them, with zero padding between and behind.
 *
 * `DecompressionStream` refuses a second member, and `createGunzip` of
 * `node:zlib` drops whatever follows padding that comes in one chunk with it:
 * so this code separates the members, and `node:zlib` inflates each.
 *
 * @module
 */
import type { InflateRaw } from "node:zlib";
import { BackupError } from "./backup_error.ts";
import type { ByteReader } from "./byte_reader.ts";
import { isGzip, parseGzipHeader } from "./gzip_header.ts";

/** How many bytes are unzipped at a time: 16 KiB take a quarter longer. */
const CHUNK_BYTES = 64 * 1024;

/** The check sum and the length behind each member. */
const TRAILER_BYTES = 8;

/**
 * @param reader A gzip file.
 * @returns What is in it, in chunks.
 * @throws {BackupError} Where it is cut short or damaged.
 */
export async function* gunzip(reader: ByteReader): AsyncGenerator<Uint8Array> {
  do {
    await skipHeader(reader);
    yield* inflate(reader);
    await skipPadding(reader);
  } while (reader.buffered.length > 0);
}

async function skipHeader(reader: ByteReader): Promise<void> {
  for (;;) {
    const is = isGzip(reader.buffered);
    if (is === false) throw damaged("what follows a gzip member is not gzip");
    const header = is && parseGzipHeader(reader.buffered);
    if (header) return reader.skip(header.bytes);
    if (!await reader.more()) throw damaged("it ends in a header");
  }
}

/** Unzips one member, and checks it. */
async function* inflate(reader: ByteReader): AsyncGenerator<Uint8Array> {
  // Loaded by the first one: a start without a file need not wait for it.
  const { crc32, createInflateRaw } = await import("node:zlib");
  const inflater = createInflateRaw({ chunkSize: CHUNK_BYTES });
  let sourceError: { cause: unknown } | undefined;
  const fed = feed(reader, inflater).catch((cause) => {
    sourceError = { cause };
    inflater.destroy(cause as Error);
  });
  let sum = 0;
  let length = 0;
  try {
    for await (const chunk of inflater) {
      sum = crc32(chunk, sum);
      length += chunk.length;
      yield chunk;
    }
  } catch (cause) {
    if (sourceError !== undefined) throw sourceError.cause;
    throw damaged((cause as Error).message, cause);
  }
  await fed;
  while (reader.buffered.length < TRAILER_BYTES) {
    if (!await reader.more()) throw damaged("it ends early");
  }
  const { buffer, byteOffset } = reader.buffered;
  const trailer = new DataView(buffer, byteOffset, TRAILER_BYTES);
  reader.skip(TRAILER_BYTES);
  if (
    trailer.getUint32(0, true) !== sum ||
    trailer.getUint32(4, true) !== length % 2 ** 32
  ) throw damaged("its check sum is wrong");
}

/** Gives an inflater what it takes, and the rest back to the reader. */
async function feed(reader: ByteReader, inflater: InflateRaw): Promise<void> {
  let given = 0;
  while (inflater.bytesWritten === given) {
    const chunk = await reader.take();
    // Nobody wants more.
    if (inflater.destroyed) return;
    if (chunk === undefined) {
      inflater.end();
      return;
    }
    given += chunk.length;
    // Resolves once the inflater has worked it off, at the pace of its reader.
    await new Promise<void>((resolve) =>
      inflater.write(chunk, () => resolve())
    );
    const left = given - inflater.bytesWritten;
    if (left > 0) reader.putBack(chunk.subarray(chunk.length - left));
  }
}

async function skipPadding(reader: ByteReader): Promise<void> {
  do {
    const { buffered } = reader;
    let zeros = 0;
    while (buffered[zeros] === 0) zeros++;
    reader.skip(zeros);
  } while (reader.buffered.length === 0 && await reader.more());
}

function damaged(reason: string, cause?: unknown): BackupError {
  return new BackupError(
    `Cannot unzip the file: its gzip is damaged or cut short (${reason})`,
    { cause },
  );
}
