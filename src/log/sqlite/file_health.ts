/**
 * Whether the embedded log's file can be written so that a restart finds it.
 *
 * @module
 */
import { join } from "node:path";
import type { LogStatus } from "../log.ts";
import { FILE_NAME } from "./sqlite_schema.ts";

/** How often the files are looked at. */
const LOOK_MS = 1_000;

/** The room on the disk that an entry needs besides its own bytes. */
const MARGIN_BYTES = 64 * 1024;

/** One file as it was when the log was opened. */
interface KnownFile {
  readonly path: string;
  readonly dev: number;
  readonly ino: number | null;
}

/** The file and its write-ahead log, from the moment they are open. */
export class FileHealth {
  readonly #files: readonly [KnownFile, ...KnownFile[]];
  readonly #probe: string;
  /** How many bytes found no room; undefined if there is room. */
  #missing_bytes: number | undefined;
  #isElsewhere = false;
  #toldProblem: string | undefined;
  readonly #timer: ReturnType<typeof setInterval>;

  /**
   * @param directory The folder of the log, which is open and was written.
   * @param tellStatus Told when a problem begins and when it is over.
   */
  constructor(
    directory: string,
    private readonly tellStatus: (status: LogStatus) => void,
  ) {
    const path = join(directory, FILE_NAME);
    this.#files = [known(path), known(`${path}-wal`)];
    this.#probe = `${path}-probe`;
    this.#timer = setInterval(() => this.look(), LOOK_MS);
  }

  /** Why nothing may be written; undefined if all is well. */
  get problem(): string | undefined {
    const [{ path }] = this.#files;
    if (this.#isElsewhere) {
      return `${path} is no longer the file that the log is in: it was deleted, moved or replaced. Move it back; or save a backup, restart and import it`;
    }
    return this.#missing_bytes === undefined
      ? undefined
      : "the disk of the log is full: make room";
  }

  /**
   * Looks whether the file is still in its place: the next start would not find
   * what is written to a deleted file. Takes 5 µs.
   *
   * @returns As {@linkcode problem}.
   */
  check(): string | undefined {
    this.#isElsewhere ||= !isThere(this.#files[0]);
    return this.#told();
  }

  /**
   * An entry found no room.
   *
   * @returns The problem.
   */
  full(entry_bytes: number): string {
    this.#missing_bytes = entry_bytes;
    return this.#told()!;
  }

  /** Looks at all files, and for room if there was none: done every second. */
  look(): void {
    this.#isElsewhere = !this.#files.every(isThere);
    const missing_bytes = this.#isElsewhere ? undefined : this.#missing_bytes;
    if (
      missing_bytes !== undefined && this.#hasRoom(missing_bytes + MARGIN_BYTES)
    ) this.#missing_bytes = undefined;
    this.#told();
  }

  /** @returns The problem. The listener hears of it if it is new. */
  #told(): string | undefined {
    const { problem } = this;
    if (problem !== this.#toldProblem) {
      this.#toldProblem = problem;
      this.tellStatus(
        problem === undefined
          ? { state: "connected", reason: "the log can be written again" }
          : { state: "away", reason: problem },
      );
    }
    return problem;
  }

  /** Looks no more. */
  close(): void {
    clearInterval(this.#timer);
  }

  #hasRoom(bytes: number): boolean {
    try {
      using file = Deno.openSync(this.#probe, { write: true, create: true });
      for (let written = 0; written < bytes;) {
        written += file.writeSync(new Uint8Array(bytes - written));
      }
      file.syncDataSync();
      return true;
    } catch {
      return false;
    } finally {
      remove(this.#probe);
    }
  }
}

function known(path: string): KnownFile {
  const { dev, ino } = Deno.statSync(path);
  return { path, dev, ino };
}

function isThere({ path, dev, ino }: KnownFile): boolean {
  try {
    const found = Deno.statSync(path);
    return found.dev === dev && found.ino === ino;
  } catch {
    return false;
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It could not even be made.
  }
}
