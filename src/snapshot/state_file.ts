/**
 * A file on this machine as a state from which a log is made: a backup, or any
 * CSV file of user grades that an import takes.
 *
 * @module
 */
import { Storage } from "../storage/storage.ts";
import { EVENT_LOOP, type EventLoop } from "./event_loop.ts";
import { fileSource } from "./file_source.ts";
import { isBackupHeader } from "./format/backup_info.ts";
import { ByteReader } from "./format/byte_reader.ts";
import { isGzip } from "./format/gzip_header.ts";
import { readBackupHeader } from "./format/read_backup.ts";
import { readImport } from "./format/read_import.ts";
import { patchOf } from "./format/row_patch.ts";
import { restore, type RestoreObserver, SLICE_MS } from "./restore.ts";
import type { SnapshotInfo } from "./snapshot.ts";
import { SourceError } from "./source.ts";

/** A log's identity as replicas write it. */
const LOG_ID = /^[0-9a-f]{16}$/;

/** A whole state, and what it is of. */
export interface FileState {
  /** The state, verified as far as its file describes it. */
  readonly storage: Storage;
  /** What it is of; its digest is that of the storage. */
  readonly info: SnapshotInfo & { readonly digest: string };
}

/** What is asked and told while a file is read. */
export interface ReadObserver extends RestoreObserver {
  /**
   * Asked before the rows of a backup are read.
   *
   * @param place The log that it is of, and its sequence.
   * @returns Why it must not be used; undefined if it may be.
   */
  objection(
    place: Pick<SnapshotInfo, "logId" | "sequence">,
  ): Promise<string | undefined>;
}

/** The log that a state without one begins. */
export interface NewLog {
  readonly id: string;
  /** RFC 3339, UTC. */
  readonly time: string;
}

/**
 * Reads a file. A backup keeps its log's identity and its sequence. A file
 * that names none is the state at sequence 1 of a new log, because nothing is
 * at sequence 0.
 *
 * @param url The file's `file:` URL.
 * @param newLog What the state is of if its file does not say it.
 * @param observer Asked whether to go on, and told how it goes; of a file that
 * does not say how many rows it has, 0 percent until the end.
 * @param signal Aborts it.
 * @param loop Where it is done, slice by slice.
 * @throws {SourceError} If it can't be read, is damaged or is objected to; the
 * message says why.
 */
export async function readState(
  url: string,
  newLog: NewLog,
  observer: ReadObserver,
  signal: AbortSignal,
  loop = EVENT_LOOP,
): Promise<FileState> {
  try {
    return await isBackup(url)
      ? await readBackupState(url, newLog, observer, signal, loop)
      : stateOf(await readTable(url, observer, signal, loop), {
        logId: newLog.id,
        sequence: 1,
        time: newLog.time,
      });
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof SourceError) throw cause;
    throw new SourceError((cause as Error).message, { cause });
  }
}

async function readBackupState(
  url: string,
  newLog: NewLog,
  observer: ReadObserver,
  signal: AbortSignal,
  loop: EventLoop,
): Promise<FileState> {
  using snapshot = await fileSource(url).open(signal);
  const { logId, sequence, time, heals, seams } = snapshot.info;
  const objection = await observer.objection({ logId, sequence });
  if (objection !== undefined) throw new SourceError(objection);
  const storage = await restore(snapshot, observer, loop);
  return stateOf(storage, {
    // The stream of a log that was made by hand is named in its id.
    logId: LOG_ID.test(logId) ? logId : newLog.id,
    sequence: Math.max(1, sequence),
    time: time ?? newLog.time,
    ...(heals && { heals }),
    ...(seams && { seams }),
  });
}

function stateOf(
  storage: Storage,
  place: Omit<SnapshotInfo, "rows" | "digest">,
): FileState {
  const { size: rows, digest } = storage;
  return { storage, info: { ...place, rows, digest } };
}

async function open(url: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(new URL(url));
  } catch (cause) {
    throw new SourceError(
      cause instanceof Deno.errors.NotFound
        ? "there is no such file"
        : `it can't be opened: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** Whether a file calls itself a backup of a log. */
async function isBackup(url: string): Promise<boolean> {
  const reader = new ByteReader((await open(url)).readable);
  try {
    while (isGzip(reader.buffered) === undefined && await reader.more());
    return isGzip(reader.buffered) === true &&
      isBackupHeader(await readBackupHeader(reader));
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Reads the rows of a file as an import takes them. */
async function readTable(
  url: string,
  observer: RestoreObserver,
  signal: AbortSignal,
  loop: EventLoop,
): Promise<Storage> {
  const storage = new Storage();
  const { rows } = readImport((await open(url)).readable);
  let count = 0;
  let sliceEnd_ms = loop.now() + SLICE_MS;
  for await (const block of rows) {
    for (let row = 0; row < block.count; row++) {
      storage.set(patchOf(block, row));
    }
    count += block.count;
    if (loop.now() < sliceEnd_ms) continue;
    signal.throwIfAborted();
    observer.progress(count, 0);
    await loop.pause();
    sliceEnd_ms = loop.now() + SLICE_MS;
  }
  observer.progress(count, 100);
  return storage;
}
