/**
 * What the embedded log holds: from which entry to which, and how many bytes.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { ENTRY_BYTES_MAX } from "../entry_payload.ts";
import { type LogLimits, NO_RETENTION } from "../log.ts";
import { Sweeper } from "./sweeper.ts";

/** How many old entries one transaction deletes, so that commits wait little. */
const DELETE_ENTRIES = 500;

/** How often limits are told at most while entries come. */
const LIMITS_MS = 1_000;

/** The entries of an open log: they grow at the end and are trimmed in front. */
export class SqliteExtent {
  /** The last entry's sequence: what is committed, no more. */
  #last: number;
  /** Entries before this one don't count any more; they are swept. */
  #trimmedTo = 0;
  /** The payloads' bytes of all entries in the file. */
  #bytes: number;
  /** Runs while changed limits are still to be told. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #sweeper = new Sweeper(() => this.#sweep());

  /**
   * @param db The log's file.
   * @param id The log's identity.
   * @param snapshotSequence The sequence of the newest snapshot in the file; 0
   * if there is none. Older versions deleted all entries that a snapshot includes.
   * @param tellLimits Told what the log has, after each trim, and once a second
   * while it changes.
   */
  constructor(
    private readonly db: DatabaseSync,
    private readonly id: string,
    snapshotSequence: number,
    private readonly tellLimits: (limits: LogLimits) => void,
  ) {
    const { last, bytes } = db.prepare(
      "SELECT max(sequence) AS last, total(length(payload)) AS bytes FROM entries",
    ).get() as { last: number | null; bytes: number };
    this.#last = Math.max(last ?? 0, snapshotSequence);
    this.#bytes = bytes;
  }

  /** The sequence of the last entry; 0 for a log that never had one. */
  get last(): number {
    return this.#last;
  }

  /** @returns The sequence of the first entry that counts; last + 1 if none does. */
  first(): number {
    const { first } = this.db.prepare(
      "SELECT min(sequence) AS first FROM entries WHERE sequence >= ?",
    ).get(this.#trimmedTo) as { first: number | null };
    return first ?? this.#last + 1;
  }

  /** An entry, whose payload has so many bytes, is committed after the last one. */
  append(bytes: number): void {
    this.#last++;
    this.#bytes += bytes;
    this.#timer ??= setTimeout(() => this.tell(), LIMITS_MS);
  }

  /**
   * Lets entries before one go. They are deleted between other work.
   *
   * @throws {RangeError} If the log does not reach so far.
   */
  trim(sequence: number): void {
    if (sequence > this.#last) {
      throw new RangeError(
        `Cannot trim the log to ${sequence}: it ends at ${this.#last}`,
      );
    }
    this.#trimmedTo = Math.max(this.#trimmedTo, sequence);
    this.#sweeper.start();
    this.tell();
  }

  /**
   * Lets a log without entries begin after a sequence.
   *
   * @throws {RangeError} If it has had entries.
   */
  moveTo(sequence: number): void {
    if (this.#last > 0) {
      throw new RangeError(
        `Cannot let the log begin after entry ${sequence}: it ends at ${this.#last}`,
      );
    }
    this.#last = sequence;
    this.tell();
  }

  /** @returns Whether there may be more to delete. */
  #sweep(): boolean {
    const deleted = this.db.prepare(
      `DELETE FROM entries WHERE sequence IN
         (SELECT sequence FROM entries WHERE sequence < ?
          ORDER BY sequence LIMIT ${DELETE_ENTRIES})
       RETURNING length(payload) AS bytes`,
    ).all(this.#trimmedTo) as { bytes: number }[];
    for (const { bytes } of deleted) this.#bytes -= bytes;
    if (deleted.length > 0) return true;
    this.tell();
    return false;
  }

  /** Tells the limits now. */
  tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.tellLimits({
      id: this.id,
      firstSequence: this.first(),
      lastSequence: this.#last,
      bytes: this.#bytes,
      // It has no limits: it is cut only behind snapshots.
      retention: NO_RETENTION,
      entryBytesMax: ENTRY_BYTES_MAX,
    });
  }

  /** Ends the deletions, and tells no more. */
  close(): void {
    this.#sweeper.close();
    clearTimeout(this.#timer);
  }
}
