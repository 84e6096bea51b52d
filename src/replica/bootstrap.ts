/**
 * How a starting replica fills itself: from a snapshot first, then from the log
 * after it.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { setTimeout as delay } from "node:timers/promises";
import { LogFailedError, type LogInfo } from "../log/log.ts";
import { Storage } from "../storage/storage.ts";
import { retrying, type Sleep } from "./back_off.ts";
import type { LogEnd } from "./fit.ts";
import type { Replica } from "./replica.ts";
import type { LocatingLog } from "./search_attempt.ts";
import type { Found, SnapshotSearch } from "./snapshot_search.ts";

const logger = getLogger(["usergrade", "bootstrap"]);

/** The log as a starting replica needs it. */
export interface BootstrapLog extends LocatingLog {
  /** Starts the entries after one; its time is null if it is not known. */
  consume(after: number, time: string | null): void;
}

/** How a replica starts where not all is well. */
export interface BootstrapOptions {
  /**
   * What an operator can do where no other snapshot comes by itself; left out
   * if another replica may make one.
   */
  readonly remedy?: string | undefined;
  /**
   * Whether a stored snapshot beyond the log's end will do, since the log can be
   * made whole from it.
   */
  readonly heals?: boolean;
  /** Waits between two searches. */
  readonly sleep?: Sleep;
}

/**
 * Restores the first snapshot that can be had, is of this very log and is
 * whole, and starts the entries after it. Without one it starts at the log's
 * beginning, if the log still has its first entry. Otherwise it says so and
 * tries again, or fails if no snapshot will ever come.
 *
 * @param replica A replica that has applied nothing.
 * @param log The open log.
 * @param info What the log said when it was opened.
 * @param search Looks where snapshots may be.
 * @param signal Aborts it.
 * @param options How to start where not all is well.
 * @throws {LogFailedError} If there is nothing to start from and never will be.
 */
export async function bootstrap(
  replica: Replica,
  log: BootstrapLog,
  info: LogInfo,
  search: Pick<SnapshotSearch, "run">,
  signal: AbortSignal,
  {
    remedy,
    heals = false,
    sleep = (ms, signal) => delay(ms, undefined, { signal }),
  }: BootstrapOptions = {},
): Promise<void> {
  replica.logOpened(info);
  let reason = "";
  const attempt = async () => {
    const end = heals ? await endOf(log, info) : undefined;
    const wanted = { logId: info.id, entry: 0, end };
    const found = await search.run(wanted, signal);
    if (found.type === "restored") return found;
    // Now, since a log may be cut while snapshots are tried.
    const { firstSequence } = await log.locate(0);
    if (firstSequence === 1) return beginning(found.account);
    reason =
      `the log begins with entry ${firstSequence}, and no snapshot can be had to start from (${
        found.account || "there is no place to look for one"
      })`;
    if (remedy === undefined) return undefined;
    throw new LogFailedError(`Cannot start: ${reason}: ${remedy}`);
  };
  const { storage, place, account } = await retrying(
    attempt,
    (next_ms) => {
      const said =
        `${reason}: start a replica that has it, or name one or a backup of this log in PEERS; next try in ${
          next_ms / 1000
        } s`;
      logger.error("Not ready: {reason}", { reason: said });
      replica.noteRestore({ reason: said, rows: 0, percent: 0 });
    },
    sleep,
    signal,
  );
  replica.adopt(storage, place, account);
  log.consume(place.sequence, place.time);
}

/** @returns The end of a log that may have lost entries. */
export async function endOf(
  log: LocatingLog,
  { lastSequence, fence }:
    & Pick<LogInfo, "lastSequence">
    & Partial<Pick<LogInfo, "fence">>,
): Promise<LogEnd> {
  const { time } = await log.locate(lastSequence);
  return { sequence: lastSequence, time, fence };
}

/** The state before the first entry. */
function beginning(refusals: string): Extract<Found, { type: "restored" }> {
  const account = refusals === ""
    ? "started from the log's beginning"
    : `started from the log's beginning (no snapshot from ${refusals})`;
  return {
    type: "restored",
    storage: new Storage(),
    place: { sequence: 0, time: null },
    account,
  };
}
