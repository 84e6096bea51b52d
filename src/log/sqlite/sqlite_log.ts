/**
 * The embedded log: one SQLite file, one transaction per entry, synced to disk
 * before it counts as committed.
 *
 * @module
 */
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { EntryVersion } from "../change.ts";
import { ENTRY_BYTES_MAX } from "../entry_payload.ts";
import type { HealPoint } from "../healable_log.ts";
import {
  LogFailedError,
  type LogInfo,
  type LogLimits,
  type LogLocation,
  type LogRead,
  type LogStatus,
  NotStoredError,
  type TrimmableLog,
} from "../log.ts";
import { FileHealth } from "./file_health.ts";
import { exposure, fileProblem, openLogFile } from "./log_file.ts";
import { statOf } from "./log_size.ts";
import { SqliteEntries } from "./sqlite_entries.ts";
import { createSchema, FILE_NAME } from "./sqlite_schema.ts";
import { SqliteReads } from "./sqlite_reads.ts";
import { SqliteSnapshots } from "./sqlite_snapshots.ts";
import { Sweeper } from "./sweeper.ts";

/** How many old entries one transaction deletes, so that commits wait little. */
const DELETE_ENTRIES = 500;

/** How often limits are told at most while entries come. */
const LIMITS_MS = 1_000;

/** SQLite's result code for a full disk: https://www.sqlite.org/rescode.html#full */
const SQLITE_FULL = 13;

/** A {@linkcode TrimmableLog} in a folder of the local disk. */
export class SqliteLog implements TrimmableLog {
  #id!: string;
  #db!: DatabaseSync;
  #snapshots!: SqliteSnapshots;
  #entries!: SqliteEntries;
  /** The last entry's sequence: what is committed, no more. */
  #last = 0;
  /** Entries before this one don't count any more; they are swept. */
  #trimmedTo = 0;
  /** The payloads' bytes of all entries in the file. */
  #bytes = 0;
  /** Runs while changed limits are still to be told. */
  #limitsTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #sweeper = new Sweeper(() => this.#sweep());
  readonly #reads = new SqliteReads();
  #health!: FileHealth;

  /**
   * @param directory The folder, which is made if it is not there.
   * @param tellStatus Told how the log is, once it is open.
   * @param tellLimits Told what it has when it is open, after each trim, and
   * once a second while it changes.
   * @param warn Told once if all users of the machine may read the log.
   */
  constructor(
    private readonly directory: string,
    private readonly tellStatus: (status: LogStatus) => void = () => {},
    private readonly tellLimits: (limits: LogLimits) => void = () => {},
    private readonly warn: (message: string) => void = () => {},
  ) {}

  get lastSequence(): number {
    return this.#last;
  }

  get snapshots(): SqliteSnapshots {
    return this.#snapshots;
  }

  /**
   * Looks whether the log is there, before it is opened.
   *
   * @returns Undefined if there is no such file.
   * @throws {LogFailedError} If it can't be used.
   */
  async find(): Promise<LogInfo | undefined> {
    if (statOf(this.#file) === undefined) return undefined;
    const log = new SqliteLog(this.directory);
    const info = await log.open();
    await log.close();
    return info;
  }

  get #file(): string {
    return join(this.directory, FILE_NAME);
  }

  async open(wantedId?: string): Promise<LogInfo> {
    const file = this.#file;
    try {
      this.#db = openLogFile(file);
      const { id, isNew } = createSchema(this.#db, wantedId);
      this.#id = id;
      this.#entries = new SqliteEntries(this.#db);
      this.#snapshots = new SqliteSnapshots(this.#db, id);
      const { last, bytes } = this.#db.prepare(
        "SELECT max(sequence) AS last, total(length(payload)) AS bytes FROM entries",
      ).get() as { last: number | null; bytes: number };
      this.#bytes = bytes;
      const [newest] = await this.#snapshots.list();
      // Older versions deleted all entries that a snapshot includes.
      this.#last = Math.max(last ?? 0, newest?.info.sequence ?? 0);
      this.#health = new FileHealth(this.directory, this.tellStatus);
      const exposed = exposure(file);
      if (exposed !== undefined) this.warn(exposed);
      this.tellStatus({ state: "connected", reason: "the log is open" });
      this.#tellLimits();
      return {
        id,
        isNew,
        firstSequence: this.#first(),
        lastSequence: this.#last,
      };
    } catch (cause) {
      throw new LogFailedError(
        `Cannot open the log in ${file}: ${fileProblem(file, cause)}`,
        { cause },
      );
    }
  }

  #first(): number {
    const { first } = this.#db.prepare(
      "SELECT min(sequence) AS first FROM entries WHERE sequence >= ?",
    ).get(this.#trimmedTo) as { first: number | null };
    return first ?? this.#last + 1;
  }

  locate(sequence: number): Promise<LogLocation> {
    const row = this.#db.prepare("SELECT time FROM entries WHERE sequence = ?")
      .get(sequence) as { time: string } | undefined;
    return Promise.resolve({
      firstSequence: this.#first(),
      lastSequence: this.#last,
      time: row?.time,
    });
  }

  entries(after: number): AsyncGenerator<LogRead> {
    return this.#reads.after(this.#entries, after, () => this.#last);
  }

  propose(
    batch: number,
    payload: Uint8Array<ArrayBuffer>,
    version: EntryVersion = 1,
  ): Promise<void> {
    const sequence = this.#last + 1;
    const time = new Date().toISOString();
    const problem = this.#health.check();
    if (problem !== undefined) {
      return Promise.reject(new NotStoredError(problem));
    }
    try {
      this.#entries.add({ sequence, time, payload, version });
    } catch (cause) {
      const { errcode } = cause as { errcode?: number };
      if (errcode === SQLITE_FULL) {
        const problem = this.#health.full(payload.length);
        return Promise.reject(new NotStoredError(problem, { cause }));
      }
      // After any other failed write only reading the file anew can tell
      // what is on the disk.
      return Promise.reject(
        new LogFailedError(
          `Cannot write the log: ${fileProblem(this.#file, cause)}`,
          { cause },
        ),
      );
    }
    this.#last = sequence;
    this.#bytes += payload.length;
    this.#limitsTimer ??= setTimeout(() => this.#tellLimits(), LIMITS_MS);
    this.#reads.committed({ sequence, time, batch }, payload.length);
    return Promise.resolve();
  }

  trim(sequence: number): Promise<number> {
    if (sequence > this.#last) {
      return Promise.reject(
        new RangeError(
          `Cannot trim the log to ${sequence}: it ends at ${this.#last}`,
        ),
      );
    }
    this.#trimmedTo = Math.max(this.#trimmedTo, sequence);
    this.#sweeper.start();
    this.#tellLimits();
    return Promise.resolve(this.#first());
  }

  /**
   * Lets a log that has had no entry begin after a snapshot that it keeps. If
   * this process ends before, the next start does the same.
   *
   * @throws {RangeError} If it has entries, or no such snapshot that was read
   * back.
   */
  async moveTo({ sequence, digest }: HealPoint): Promise<void> {
    const [newest] = await this.#snapshots.list();
    const isKept = newest?.isVerified && newest.info.sequence === sequence &&
      newest.info.digest === digest;
    if (!isKept || this.#last > 0) {
      throw new RangeError(
        `Cannot let the log begin after entry ${sequence}: ${
          isKept
            ? `it ends at ${this.#last}`
            : "it has no such snapshot that was read back"
        }`,
      );
    }
    this.#last = sequence;
    this.#tellLimits();
  }

  /** @returns Whether there may be more to delete. */
  #sweep(): boolean {
    const deleted = this.#db.prepare(
      `DELETE FROM entries WHERE sequence IN
         (SELECT sequence FROM entries WHERE sequence < ?
          ORDER BY sequence LIMIT ${DELETE_ENTRIES})
       RETURNING length(payload) AS bytes`,
    ).all(this.#trimmedTo) as { bytes: number }[];
    for (const { bytes } of deleted) this.#bytes -= bytes;
    if (deleted.length > 0) return true;
    this.#tellLimits();
    return false;
  }

  #tellLimits(): void {
    clearTimeout(this.#limitsTimer);
    this.#limitsTimer = undefined;
    this.tellLimits({
      id: this.#id,
      firstSequence: this.#first(),
      lastSequence: this.#last,
      bytes: this.#bytes,
      // It has no limits: it is cut only behind snapshots.
      retention: { age_ms: undefined, bytes: undefined, entries: undefined },
      entryBytesMax: ENTRY_BYTES_MAX,
    });
  }

  close(): Promise<void> {
    // A service may be stopped before its log is open.
    this.#health?.close();
    this.#snapshots?.close();
    this.#sweeper.close();
    clearTimeout(this.#limitsTimer);
    this.#reads.close();
    this.#db?.close();
    return Promise.resolve();
  }
}
