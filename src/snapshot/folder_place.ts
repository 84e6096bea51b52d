/**
 * A folder of this machine that keeps backup files. It belongs to one replica,
 * and what is made here may be read by its owner alone.
 *
 * A file is written under a hidden name, synced and renamed, so that a file
 * with a visible name is whole. Its name ends in `.unverified` until it is read
 * back, so that `*.csv.gz` names verified files only.
 *
 * @module
 */
import { basename, join } from "node:path";
import type { FilePlace, FileSink, PlacedFile } from "./file_place.ts";
import { folderError } from "./folder_error.ts";
import { fileStream } from "./file_stream.ts";
import { FolderFiles } from "./folder_files.ts";
import { type BackupInfo, fileName } from "./format/backup_info.ts";
import { SnapshotStoreError } from "./store.ts";

/** The modes of what is made here: backups hold every user grade. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** How many bytes of a file are read at a time. */
const READ_BYTES = 128 * 1024;

/** A {@linkcode FilePlace} on the local disk. */
export class FolderPlace implements FilePlace {
  readonly #files: FolderFiles;
  /** The names of the files that are being written now. */
  readonly #writing = new Set<string>();
  /** Whether it was there, or was made, since the process started. */
  #isMade = false;

  /** @param folder The folder, which is made when the first file is written. */
  constructor(private readonly folder: string) {
    this.#files = new FolderFiles(folder);
  }

  list(): Promise<PlacedFile[]> {
    return this.#attempt("list the snapshots", () => this.#files.list());
  }

  async open(
    id: string,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const what = `read the snapshot ${id}`;
    const file = await this.#attempt(what, async () => {
      const { verified, unverified } = this.#paths(id);
      try {
        return await Deno.open(verified);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
        return await Deno.open(unverified);
      }
    });
    return fileStream(file, READ_BYTES, () => signal.throwIfAborted());
  }

  create(info: BackupInfo): Promise<FileSink> {
    const id = fileName(info);
    return this.#attempt("begin a snapshot", async () => {
      await this.#make();
      await this.#sweep();
      const path = this.#files.partialPath(id);
      return this.#sink(info, path, await this.#open(path));
    });
  }

  /** Makes a file that no sweep takes away, not even of another's beginning. */
  async #open(path: string): Promise<Deno.FsFile> {
    const name = basename(path);
    const isMine = !this.#writing.has(name);
    this.#writing.add(name);
    try {
      return await Deno.open(path, {
        write: true,
        createNew: true,
        mode: FILE_MODE,
      });
    } catch (error) {
      if (isMine) this.#writing.delete(name);
      throw error;
    }
  }

  /**
   * Makes the folder, once: where it is gone later, a disk may have been
   * unmounted, and its place would fill another one.
   */
  async #make(): Promise<void> {
    if (this.#isMade) await Deno.stat(this.folder);
    else await Deno.mkdir(this.folder, { recursive: true, mode: FOLDER_MODE });
    this.#isMade = true;
  }

  /** Deletes what writers that died have left. */
  async #sweep(): Promise<void> {
    for (const name of await this.#files.partials()) {
      if (!this.#writing.has(name)) await remove(join(this.folder, name));
    }
  }

  #sink(info: BackupInfo, partialPath: string, file: Deno.FsFile): FileSink {
    const id = fileName(info);
    const { unverified } = this.#files.paths(id);
    /** What it has on the disk; undefined once that is nothing or all. */
    let path: string | undefined = partialPath;
    let bytes = 0;
    const end = () => {
      path = undefined;
      this.#writing.delete(basename(partialPath));
    };
    const what = "write the snapshot";
    return {
      write: (chunk) =>
        this.#attempt(what, async () => {
          bytes += chunk.length;
          for (let rest = chunk; rest.length > 0;) {
            rest = rest.subarray(await file.write(rest));
          }
        }),
      commit: () =>
        this.#attempt(what, async () => {
          await file.sync();
          await Deno.rename(partialPath, unverified);
          path = unverified;
          await this.#sync();
          file.close();
          end();
          return { id, info, bytes, isVerified: false };
        }),
      abort: () =>
        this.#attempt("delete the snapshot", async () => {
          if (path === undefined) return;
          file.close();
          const left = path;
          end();
          await remove(left);
        }),
    };
  }

  /** Makes sure that the names in the folder survive a power cut. */
  async #sync(): Promise<void> {
    using folder = await Deno.open(this.folder);
    await folder.sync();
  }

  markVerified(id: string): Promise<void> {
    return this.#attempt(`mark the snapshot ${id} as verified`, async () => {
      const { verified, unverified } = this.#paths(id);
      try {
        await Deno.rename(unverified, verified);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
        // It may be marked already.
        await Deno.stat(verified);
      }
    });
  }

  delete(id: string): Promise<void> {
    return this.#attempt(`delete the snapshot ${id}`, async () => {
      const { verified, unverified } = this.#paths(id);
      await remove(unverified);
      await remove(verified);
    });
  }

  /** @throws {SnapshotStoreError} If no file of this folder can have the name. */
  #paths(id: string): { unverified: string; verified: string } {
    if (this.#files.isId(id)) return this.#files.paths(id);
    throw new SnapshotStoreError(`${id} is not the name of a snapshot`);
  }

  async #attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw folderError(what, this.folder, cause);
    }
  }
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
