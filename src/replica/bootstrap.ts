/**
 * How a starting replica fills itself: a base first, then the log after it.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { LogFailedError, type LogInfo, type LogLocation } from "../log/log.ts";
import type { RowBatch } from "../storage/row_batch.ts";
import { Storage } from "../storage/storage.ts";
import type { Replica } from "./replica.ts";
import type { Place } from "./state_machine.ts";

const logger = getLogger(["usergrade", "bootstrap"]);

/** How long to wait before all sources are tried again, from and up to. */
const BACK_OFF_MIN_MS = 1_000;
const BACK_OFF_MAX_MS = 30_000;

/** After how much work other work gets its turn: probes and gets wait no longer. */
const SLICE_MS = 5;

/** How often a restore says how far it is. */
const PROGRESS_MS = 2_000;

/** The log as a starting replica needs it. */
export interface BootstrapLog {
  /** Reads the log's own base, part by part. */
  readBase(onRows: (rows: RowBatch) => void): Promise<void>;
  /** Looks where the log stands now. */
  locate(sequence: number): Promise<LogLocation>;
  /** Starts the entries after one, of which the time is known or null. */
  consume(after: number, time: string | null): void;
}

/** A base that someone gives. */
export interface OfferedBase {
  /** The log whose state it is. */
  readonly logId: string;
  readonly sequence: number;
  readonly time: string | null;
  /** How many users it has. */
  readonly rows: number;
  /** Its digest; undefined if it does not say. */
  readonly digest: string | undefined;
  /** The rows; throws if the base is damaged or breaks off. */
  readonly batches: AsyncIterable<RowBatch>;
}

/** Where a base may come from. */
export interface BaseSource {
  /** Names the source in log lines; holds no secret. */
  readonly name: string;
  /**
   * Asks for a base.
   *
   * @param signal Aborts the transfer.
   * @throws {Error} If there is none; the message says why.
   */
  open(signal: AbortSignal): Promise<OfferedBase>;
}

/** A base that can't be used: another log's, too old, not what it claims. */
export class UnusableBaseError extends Error {
  override name = "UnusableBaseError";
}

/** Shows how a restore goes. */
export interface RestoreMeter {
  /** @param rows Rows restored so far. @param total All rows of the base. */
  update(rows: number, total: number): void;
  /** The restore has ended. */
  end(): void;
}

/**
 * Restores a base and starts the entries after it: the base of the first source
 * that gives one of this very log, else the log's own, else nothing if the log
 * still has its first entry. Without any, it says so and tries again.
 *
 * @param replica A replica that has applied nothing.
 * @param log The open log.
 * @param info What the log said when it was opened.
 * @param sources Where bases may come from, the best first.
 * @param meter Shows how a restore goes.
 * @throws {LogFailedError} If the log's own base is damaged.
 */
export async function bootstrap(
  replica: Replica,
  log: BootstrapLog,
  info: LogInfo,
  sources: readonly BaseSource[],
  meter: RestoreMeter,
): Promise<void> {
  replica.logOpened(info);
  for (let wait_ms = BACK_OFF_MIN_MS;;) {
    const base = await restoreFirst(replica, log, info, sources, meter) ??
      await restoreOwn(replica, log, info);
    if (base !== undefined) {
      replica.adopt(base.storage, base);
      log.consume(base.sequence, base.time);
      return;
    }
    const reason =
      `the log begins with entry ${info.firstSequence}, and no peer gives a base to start from; next try in ${
        wait_ms / 1000
      } s`;
    logger.error("Not ready: {reason}", { reason });
    replica.noteRestore({ reason, rows: 0, percent: 0 });
    await sleep(wait_ms);
    wait_ms = Math.min(2 * wait_ms, BACK_OFF_MAX_MS);
  }
}

/** A state that is restored and checked. */
interface Restored extends Place {
  readonly storage: Storage;
}

/** The log's own base, or its beginning. */
async function restoreOwn(
  replica: Replica,
  log: BootstrapLog,
  { base, firstSequence }: LogInfo,
): Promise<Restored | undefined> {
  const storage = new Storage();
  if (base === undefined) {
    return firstSequence === 1
      ? { storage, sequence: 0, time: null }
      : undefined;
  }
  const note = () => {
    const { size: rows } = storage;
    const percent = percentOf(rows, base.rows);
    replica.noteRestore({ reason: "the log's own base", rows, percent });
  };
  note();
  storage.expect(base.rows);
  await log.readBase((rows) => {
    try {
      storage.restore(rows);
    } catch (cause) {
      throw new LogFailedError(
        `The log's base can't be restored: ${(cause as Error).message}`,
        { cause },
      );
    }
    note();
  });
  const problem = mismatch(storage, base);
  if (problem !== undefined) {
    throw new LogFailedError(`The log's base is damaged: ${problem}`);
  }
  return { storage, sequence: base.sequence, time: base.time };
}

async function restoreFirst(
  replica: Replica,
  log: BootstrapLog,
  info: LogInfo,
  sources: readonly BaseSource[],
  meter: RestoreMeter,
): Promise<Restored | undefined> {
  for (const source of sources) {
    const abort = new AbortController();
    try {
      const base = await source.open(abort.signal);
      await checkPlace(base, log, info);
      // A fresh one: nothing of one base may stay under the next.
      const storage = await restore(replica, base, source.name, meter);
      logger.info("Peer {peer}: ok, {rows} users at sequence {sequence}", {
        peer: source.name,
        rows: base.rows,
        sequence: base.sequence,
      });
      return { storage, sequence: base.sequence, time: base.time };
    } catch (error) {
      if (error instanceof LogFailedError) throw error;
      abort.abort();
      logger.warn("Peer {peer}: {reason}", {
        peer: source.name,
        reason: (error as Error).message,
      });
    } finally {
      meter.end();
    }
  }
  return undefined;
}

/** Checks that a base is a state of this very log, from which it goes on. */
async function checkPlace(
  { logId, sequence, time, rows }: OfferedBase,
  log: BootstrapLog,
  info: LogInfo,
): Promise<void> {
  if (logId !== info.id) {
    throw new UnusableBaseError(
      `of another log: its base is of ${logId}, this log is ${info.id}`,
    );
  }
  if (sequence === 0 && rows > 0) {
    throw new UnusableBaseError(
      `of no log: its base has ${rows} users at sequence 0, before any entry`,
    );
  }
  const found = await log.locate(sequence);
  if (found.firstSequence > sequence + 1) {
    throw new UnusableBaseError(
      `too old for the log: its base ends at ${sequence}, the log begins at ${found.firstSequence}`,
    );
  }
  // An entry that the log has no more can't be compared; what follows can.
  const isGone = found.time === undefined && sequence < found.firstSequence;
  if (sequence > 0 && !isGone && found.time !== time) {
    throw new UnusableBaseError(
      sequence > found.lastSequence
        ? `ahead of the log: its base ends at ${sequence}, the log at ${found.lastSequence}`
        : `of another history: entry ${sequence} of the log is of ${found.time}, in the base it is of ${time}`,
    );
  }
}

async function restore(
  replica: Replica,
  base: OfferedBase,
  name: string,
  meter: RestoreMeter,
): Promise<Storage> {
  const storage = new Storage();
  const reason = `restoring from ${name}`;
  let rows = 0;
  let sliceEnd = performance.now() + SLICE_MS;
  let nextProgress = performance.now() + PROGRESS_MS;
  const note = () => {
    const percent = percentOf(rows, base.rows);
    replica.noteRestore({ reason, rows, percent });
    meter.update(rows, base.rows);
    return percent;
  };
  note();
  storage.expect(base.rows);
  for await (const batch of base.batches) {
    rows += batch.count;
    if (rows > base.rows) break;
    storage.restore(batch);
    const now = performance.now();
    if (now >= sliceEnd) {
      const percent = note();
      if (now >= nextProgress) {
        logger.info("Peer {peer}: {rows} rows restored, {percent} %", {
          peer: name,
          rows,
          percent,
        });
        nextProgress = now + PROGRESS_MS;
      }
      await sleep(0);
      sliceEnd = performance.now() + SLICE_MS;
    }
  }
  note();
  const problem = rows !== base.rows
    ? `it has ${rows} or more rows and says ${base.rows}`
    : mismatch(storage, base);
  if (problem !== undefined) throw new UnusableBaseError(`damaged: ${problem}`);
  return storage;
}

function percentOf(rows: number, total: number): number {
  return total === 0 ? 100 : Math.floor(100 * rows / total);
}

/** What a restored state has that its base does not say; undefined if nothing. */
function mismatch(
  storage: Storage,
  { rows, digest }: { rows: number; digest: string | undefined },
): string | undefined {
  if (storage.size !== rows) {
    return `it has ${storage.size} users and says ${rows}`;
  }
  if (digest !== undefined && storage.digest !== digest) {
    return `its digest is ${storage.digest} and it says ${digest}`;
  }
  return undefined;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
