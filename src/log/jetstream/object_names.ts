/**
 * The names in a bucket of NATS' object store (NATS ADR-20), and those of the
 * snapshots that replicas put there. It does no I/O.
 *
 * @module
 */
import {
  type BackupInfo,
  backupName,
} from "../../snapshot/format/backup_info.ts";

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** How many random characters end the id of a snapshot's chunks. */
const RANDOM_CHARACTERS = 22;

/** @returns The bucket that holds the snapshots of a log. */
export function bucketOf(logStream: string): string {
  return `${logStream}-snapshots`;
}

/** @returns The stream that is the bucket. */
export function bucketStream(bucket: string): string {
  return `OBJ_${bucket}`;
}

/**
 * @param subject Where something was published.
 * @param logStream The stream that is the log.
 * @returns Whether only snapshots, or cutting the log behind them, need it.
 */
export function isSnapshotSubject(subject: string, logStream: string): boolean {
  const bucket = bucketOf(logStream);
  return subject.startsWith(`$O.${bucket}.`) ||
    subject.startsWith("$JS.API.STREAM.") &&
      subject.endsWith(`.${bucketStream(bucket)}`) ||
    subject === `$JS.API.STREAM.PURGE.${logStream}`;
}

/** @returns The subject of an object's metadata; of all without a name. */
export function metaSubject(bucket: string, name?: string): string {
  const token = name === undefined
    ? ">"
    : encoder.encode(name).toBase64({ alphabet: "base64url" });
  return `$O.${bucket}.M.${token}`;
}

/** @returns The subject of an object's chunks; of all without an id. */
export function chunkSubject(bucket: string, chunkId = ">"): string {
  return `$O.${bucket}.C.${chunkId}`;
}

/** @returns The last token of a subject, the only one that varies here. */
function lastToken(subject: string): string {
  return subject.slice(subject.lastIndexOf(".") + 1);
}

/** @returns The id of the chunks on a subject. */
export const chunkIdOf = lastToken;

/**
 * @param subject The subject of an object's metadata, which anyone may have put.
 * @returns The object's name if it is one that a snapshot has; else undefined.
 */
export function snapshotNameOf(subject: string): string | undefined {
  try {
    const bytes = Uint8Array.fromBase64(lastToken(subject), {
      alphabet: "base64url",
    });
    const name = decoder.decode(bytes);
    return sequenceOf(name) === undefined ? undefined : name;
  } catch {
    return undefined;
  }
}

/** @returns The sequence in the name of a snapshot; undefined in other names. */
export function sequenceOf(name: string): number | undefined {
  const sequence = /^usergrades-\d{8}T\d{6}Z-(\d{1,16})\.csv\.gz$/.exec(name)
    ?.[1];
  return sequence === undefined ? undefined : Number(sequence);
}

/**
 * @param info What the snapshot says of itself.
 * @param later_s How many seconds are added to the time in the name, if another
 * snapshot has that name.
 * @returns The name of a snapshot.
 */
export function snapshotName(info: BackupInfo, later_s: number): string {
  const made = new Date(Date.parse(info.made) + later_s * 1000).toISOString();
  return `${backupName({ ...info, made })}.gz`;
}

/** @returns A new id for the chunks of a snapshot that a replica writes. */
export function newChunkId(replicaId: string): string {
  let random = "";
  while (random.length < RANDOM_CHARACTERS) {
    for (const byte of crypto.getRandomValues(new Uint8Array(32))) {
      // 62 does not divide 256: larger bytes would favour some characters.
      if (byte < 248 && random.length < RANDOM_CHARACTERS) {
        random += BASE62[byte % 62];
      }
    }
  }
  return `${replicaId}-${random}`;
}

/**
 * @param chunkId An id of chunks, which anyone may have put.
 * @returns The replica that has written them; undefined if none has.
 */
export function writerOf(chunkId: string): string | undefined {
  return /^([A-Za-z0-9_-]+)-[A-Za-z0-9]{22}$/.exec(chunkId)?.[1];
}
