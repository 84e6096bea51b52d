/**
 * Reading the entries of the embedded log in order: own ones as they are
 * committed, others from the file.
 *
 * @module
 */
import { type LogEntry, LogFailedError, type LogRead } from "../log.ts";
import type { SqliteEntries } from "./sqlite_entries.ts";

/** The most entries, and about the most bytes, that one read of the file takes. */
const READ_ENTRIES_MAX = 256;
const READ_BYTES_MAX = 1024 * 1024;

/** The reads of one log. */
export class SqliteReads {
  /** Own entries that were not read yet, in order. */
  #fresh: LogEntry[] = [];
  #freshBytes = 0;
  #wake: (() => void) | undefined;
  #closed = false;

  /** An own entry is committed, whose payload has so many bytes. */
  committed(entry: LogEntry, bytes: number): void {
    this.#fresh.push(entry);
    this.#freshBytes += bytes;
    this.#wake?.();
  }

  /**
   * @param entries The entries in the file.
   * @param after The sequence of the last entry that is not wanted.
   * @param last Tells the sequence of the last entry.
   * @returns All entries after that, then those that are committed, until the
   * reads are closed.
   * @throws {LogFailedError} If an entry is not in the file.
   */
  async *after(
    entries: SqliteEntries,
    after: number,
    last: () => number,
  ): AsyncGenerator<LogRead> {
    let at = after;
    while (!this.#closed) {
      const fresh = this.#fresh;
      if (fresh.length > 0 && fresh[0].sequence <= at + 1) {
        const bytes = this.#freshBytes;
        this.#fresh = [];
        this.#freshBytes = 0;
        at = fresh[fresh.length - 1].sequence;
        yield { entries: fresh, bytes };
      } else if (at < last()) {
        const read = stored(entries, at, fresh[0]?.sequence ?? Infinity);
        at = read.entries[read.entries.length - 1].sequence;
        yield read;
      } else {
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    }
  }

  /** Ends the reads. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }
}

/** One read of the file: entries after one and before another. */
function stored(entries: SqliteEntries, at: number, before: number): LogRead {
  const read: LogEntry[] = [];
  let bytes = 0;
  for (const entry of entries.after(at, READ_ENTRIES_MAX)) {
    if (entry.sequence >= before) break;
    read.push(entry);
    bytes += entry.payload.length;
    if (bytes >= READ_BYTES_MAX) break;
  }
  if (read.length === 0) {
    throw new LogFailedError(
      `Cannot read entry ${
        at + 1
      } of the log: it is not in the file, which is damaged: put back a copy, or set another DATA_DIR and import a backup`,
    );
  }
  return { entries: read, bytes };
}
