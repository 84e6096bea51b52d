/**
 * The embedded log: one SQLite file, one transaction per entry, synced to disk
 * before it counts as committed.
 *
 * @module
 */
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { EntryVersion } from "../change.ts";
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
import { freeDiskBytes } from "./free_space.ts";
import { exposure, fileProblem, openLogFile } from "./log_file.ts";
import { statOf } from "./log_size.ts";
import { SqliteEntries } from "./sqlite_entries.ts";
import { SqliteExtent } from "./sqlite_extent.ts";
import { createSchema, FILE_NAME } from "./sqlite_schema.ts";
import { SqliteReads } from "./sqlite_reads.ts";
import { SqliteSnapshots } from "./sqlite_snapshots.ts";

/** SQLite's result code for a full disk: https://www.sqlite.org/rescode.html#full */
const SQLITE_FULL = 13;

/** A {@linkcode TrimmableLog} in a folder of the local disk. */
export class SqliteLog implements TrimmableLog {
  #db!: DatabaseSync;
  #snapshots!: SqliteSnapshots;
  #entries!: SqliteEntries;
  #extent!: SqliteExtent;
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
    return this.#extent.last;
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
      this.#entries = new SqliteEntries(this.#db);
      this.#snapshots = new SqliteSnapshots(
        this.#db,
        id,
        () => freeDiskBytes(this.directory),
      );
      const [newest] = await this.#snapshots.list();
      this.#extent = new SqliteExtent(
        this.#db,
        id,
        newest?.info.sequence ?? 0,
        this.tellLimits,
      );
      this.#health = new FileHealth(this.directory, this.tellStatus);
      const exposed = exposure(file);
      if (exposed !== undefined) this.warn(exposed);
      this.tellStatus({ state: "connected", reason: "the log is open" });
      this.#extent.tell();
      return { id, isNew, ...this.#ends() };
    } catch (cause) {
      throw new LogFailedError(
        `Cannot open the log in ${file}: ${fileProblem(file, cause)}`,
        { cause },
      );
    }
  }

  locate(sequence: number): Promise<LogLocation> {
    const row = this.#db.prepare("SELECT time FROM entries WHERE sequence = ?")
      .get(sequence) as { time: string } | undefined;
    return Promise.resolve({ ...this.#ends(), time: row?.time });
  }

  #ends(): Pick<LogInfo, "firstSequence" | "lastSequence"> {
    return {
      firstSequence: this.#extent.first(),
      lastSequence: this.#extent.last,
    };
  }

  entries(after: number): AsyncGenerator<LogRead> {
    return this.#reads.after(this.#entries, after, () => this.lastSequence);
  }

  propose(
    batch: number,
    payload: Uint8Array<ArrayBuffer>,
    version: EntryVersion = 1,
  ): Promise<void> {
    const sequence = this.#extent.last + 1;
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
    this.#extent.append(payload.length);
    this.#reads.committed({ sequence, time, batch }, payload.length);
    return Promise.resolve();
  }

  trim(sequence: number): Promise<number> {
    try {
      this.#extent.trim(sequence);
      return Promise.resolve(this.#extent.first());
    } catch (error) {
      return Promise.reject(error);
    }
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
    if (!isKept) {
      throw new RangeError(
        `Cannot let the log begin after entry ${sequence}: it has no such snapshot that was read back`,
      );
    }
    this.#extent.moveTo(sequence);
  }

  close(): Promise<void> {
    // A service may be stopped before its log is open.
    this.#health?.close();
    this.#snapshots?.close();
    this.#extent?.close();
    this.#reads.close();
    this.#db?.close();
    return Promise.resolve();
  }
}
