/**
 * How a starting replica fills itself: a base first, then the log.
 *
 * @module
 */
import { type LogBase, LogFailedError, type LogInfo } from "../log/log.ts";
import type { RowBatch } from "../storage/row_batch.ts";
import type { Replica } from "./replica.ts";

/** The log as a starting replica needs it. */
export interface BootstrapLog {
  /** Reads the log's own base, part by part. */
  readBase(onRows: (rows: RowBatch) => void): Promise<void>;
  /** Starts the entries after a sequence. */
  consume(after: number): void;
}

/**
 * Restores the log's base, if it has one, and starts the entries after it.
 *
 * @param replica A replica that has applied nothing.
 * @param log The open log.
 * @param info What the log said when it was opened.
 * @throws {LogFailedError} If the base is damaged or the log has no entries
 * that go on from it.
 */
export async function bootstrap(
  replica: Replica,
  log: BootstrapLog,
  info: LogInfo,
): Promise<void> {
  replica.beginRestore(info);
  const base = info.base;
  if (base !== undefined) {
    await log.readBase((rows) => replica.restore(rows));
    verify(replica, base);
  }
  const sequence = base?.sequence ?? 0;
  if (info.firstSequence > sequence + 1) {
    throw new LogFailedError(
      `The log begins with entry ${info.firstSequence}, but the base ends with ${sequence}`,
    );
  }
  replica.endRestore(sequence);
  log.consume(sequence);
}

function verify(replica: Replica, { rows, digest }: LogBase): void {
  if (replica.users !== rows || replica.digest !== digest) {
    throw new LogFailedError(
      `The log's base is damaged: it has ${replica.users} users with digest ${replica.digest}, and should have ${rows} with ${digest}`,
    );
  }
}
