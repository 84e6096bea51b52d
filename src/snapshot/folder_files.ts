/**
 * The files of a folder of snapshots: their names, and what their headers say.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { join } from "node:path";
import type { PlacedFile } from "./file_place.ts";
import { BackupError } from "./format/backup_error.ts";
import {
  type BackupInfo,
  fileName,
  parseBackupInfo,
} from "./format/backup_info.ts";
import { fileStream } from "./file_stream.ts";
import { ByteReader } from "./format/byte_reader.ts";
import { readBackupHeader } from "./format/read_backup.ts";

const logger = getLogger(["usergrade", "snapshot"]);

/** The most files that are listed: the newest by their names. */
const FILES_MAX = 1_024;

/** How many bytes of a file are read for its header, which has some 400. */
const HEADER_READ_BYTES = 4 * 1024;

const NAME = /^usergrades-\d{8}T\d{6}Z-(\d{1,16})\.csv\.gz(\.unverified)?$/;
const UNVERIFIED = ".unverified";
const PARTIAL = /^\.usergrades-.*\.partial$/;

/** A header that was read, and the file as it was then. */
interface KnownHeader {
  readonly stamp: string;
  /** Undefined if there is no such backup, or this process may not read it. */
  readonly info: BackupInfo | undefined;
}

/** A file that is there. */
interface FoundFile {
  readonly header: KnownHeader;
  readonly bytes: number;
  readonly isVerified: boolean;
}

/** The files in a folder. */
export class FolderFiles {
  /** Headers by the files' names: each is read once. */
  #known = new Map<string, KnownHeader>();

  constructor(readonly folder: string) {}

  /** @returns Where a file is that is not read back yet, and where after that. */
  paths(id: string): { unverified: string; verified: string } {
    const verified = join(this.folder, id);
    return { unverified: verified + UNVERIFIED, verified };
  }

  /** @returns Where a file is written before it is whole. */
  partialPath(id: string): string {
    return join(this.folder, `.${id}.partial`);
  }

  /** @returns Whether a file may have this name. */
  isId(id: string): boolean {
    return NAME.test(id) && !id.endsWith(UNVERIFIED);
  }

  /** @returns The names of files that were not written to their end. */
  async partials(): Promise<string[]> {
    return (await this.#entries()).filter((name) => PARTIAL.test(name));
  }

  /**
   * @returns The files; what others have put there is left out, and so is what
   * this process may not read.
   */
  async list(): Promise<PlacedFile[]> {
    const areVerified = new Map<string, boolean>();
    for (const name of await this.#entries()) {
      if (!NAME.test(name)) continue;
      const isVerified = !name.endsWith(UNVERIFIED);
      const id = isVerified ? name : name.slice(0, -UNVERIFIED.length);
      areVerified.set(id, isVerified || areVerified.get(id) === true);
    }
    const ids = [...areVerified.keys()].sort(newestFirst).slice(0, FILES_MAX);
    const known = new Map<string, KnownHeader>();
    const files: PlacedFile[] = [];
    for (const id of ids) {
      const found = await this.#find(id, areVerified.get(id)!);
      if (found === undefined) continue;
      const { header, bytes, isVerified } = found;
      known.set(id, header);
      const { info } = header;
      if (info !== undefined) files.push({ id, info, bytes, isVerified });
    }
    this.#known = known;
    return files;
  }

  /** @returns A file; undefined if it was deleted meanwhile. */
  async #find(id: string, isVerified: boolean): Promise<FoundFile | undefined> {
    const { verified, unverified } = this.paths(id);
    const path = isVerified ? verified : unverified;
    const found = await ifThere(async () => {
      const { size, ino, mtime, mode, uid } = await Deno.stat(path);
      const stamp = `${size} ${ino} ${mtime?.getTime()} ${mode} ${uid}`;
      const known = this.#known.get(id);
      const header = known?.stamp === stamp
        ? known
        : { stamp, info: await readInfo(path, id) };
      return { header, bytes: size, isVerified };
    });
    // It may have been renamed meanwhile.
    return found ?? (isVerified ? undefined : await this.#find(id, true));
  }

  async #entries(): Promise<string[]> {
    return await ifThere(async () => {
      const names: string[] = [];
      for await (const { name, isFile } of Deno.readDir(this.folder)) {
        if (isFile) names.push(name);
      }
      return names;
    }) ?? [];
  }
}

/** Reads what a file says of itself; undefined if it is not what its name says. */
async function readInfo(
  path: string,
  id: string,
): Promise<BackupInfo | undefined> {
  const file = await openReadable(path);
  if (file === undefined) return undefined;
  const stream = fileStream(file, HEADER_READ_BYTES);
  const reader = new ByteReader(stream);
  try {
    const info = parseBackupInfo(await readBackupHeader(reader));
    return fileName(info) === id ? info : undefined;
  } catch (error) {
    if (error instanceof BackupError) return undefined;
    throw error;
  } finally {
    await reader.cancel();
  }
}

/** Opens a file; undefined if it is another user's, who lets nobody read it. */
async function openReadable(path: string): Promise<Deno.FsFile | undefined> {
  try {
    return await Deno.open(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    logger.warn(
      "{path} is left out, because this process may not read it: give it to the user of the service (chown), or move it to another folder",
      { path },
    );
    return undefined;
  }
}

/** Newest first: by the sequence in the name, then by the time. */
function newestFirst(a: string, b: string): number {
  const sequence = (id: string) => Number(NAME.exec(id)![1]);
  return sequence(b) - sequence(a) || (a < b ? 1 : -1);
}

/** Looks at a file; undefined if it is gone. */
async function ifThere<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
