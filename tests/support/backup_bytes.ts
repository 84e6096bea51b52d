/**
 * Backups as bytes, for tests.
 *
 * @module
 */
import { parseGzipHeader } from "../../src/snapshot/format/gzip_header.ts";
import { readBackup } from "../../src/snapshot/format/read_backup.ts";
import { writeBackup } from "../../src/snapshot/format/write_backup.ts";
import type { SnapshotInfo } from "../../src/snapshot/snapshot.ts";
import { Storage } from "../../src/storage/storage.ts";
import type { UserGrade } from "../../src/user_grade.ts";
import { snapshotOf } from "./snapshots.ts";

/** @returns A storage with these users. */
export function storageOf(grades: readonly UserGrade[]): Storage {
  const storage = new Storage();
  for (const grade of grades) storage.set(grade);
  return storage;
}

/** @returns A storage with so many users, numbered from a number on. */
export function numberedUsers(count: number, from = 0): Storage {
  return storageOf(Array.from({ length: count }, (_, i) => ({
    user_id: `user-${from + i}`,
    postpaid_limit: i,
    spp: -i,
    shipping_fee: 100,
    return_fee: 200,
  })));
}

/**
 * @param storage What is backed up.
 * @param lies What its header says instead of the truth.
 * @returns The backup file.
 */
export async function backupOf(
  storage: Storage,
  lies: Partial<SnapshotInfo> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const file = writeBackup(
    snapshotOf(storage, lies),
    "2026-11-23T22:50:01.123Z",
  );
  return await new Response(file).bytes();
}

/** @returns The same backup as version 1.0 wrote it: its JSON is the comment. */
export function format1Of(
  backup: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const { name, extra, bytes } = parseGzipHeader(backup)!;
  const json = extra.get("UG")!.replace("backup/2", "backup/1");
  const texts = new TextEncoder().encode(`${name}\0${json}\0`);
  // FNAME and FCOMMENT in the place of FEXTRA and FNAME.
  const head = backup.slice(0, 10).with(3, 0x18);
  return new Uint8Array([...head, ...texts, ...backup.subarray(bytes)]);
}

/** @returns How many bytes of a backup are its header. */
export function gzipHeaderBytes(backup: Uint8Array): number {
  return parseGzipHeader(backup)!.bytes;
}

/** A stream of bytes in chunks of a size. */
export function chunked(
  bytes: Uint8Array<ArrayBuffer>,
  size: number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull: (controller) => {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
  });
}

/** Reads a backup into a new storage; throws what reading throws. */
export async function restored(
  bytes: Uint8Array<ArrayBuffer>,
  chunkSize = 1000,
): Promise<Storage> {
  const storage = new Storage();
  const { rows } = await readBackup(chunked(bytes, chunkSize));
  for await (const block of rows) storage.restore(block);
  return storage;
}

/**
 * @param where Which bit behind the gzip header, from 0 for the first to 1.
 * @returns The backup with that bit flipped.
 */
export function flipBackupBit(
  backup: Uint8Array<ArrayBuffer>,
  where: number,
): Uint8Array<ArrayBuffer> {
  const start = gzipHeaderBytes(backup);
  const bit = Math.floor(8 * (backup.length - start) * where);
  const at = start + (bit >> 3);
  return backup.with(at, backup[at] ^ (1 << (bit & 7)));
}
