/**
 * How a starting replica fills itself: from a snapshot first, then from the log
 * after it.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { setTimeout as sleep } from "node:timers/promises";
import { LogFailedError, type LogInfo, type LogLocation } from "../log/log.ts";
import { restore } from "../snapshot/restore.ts";
import type { SnapshotInfo } from "../snapshot/snapshot.ts";
import type { SnapshotSource } from "../snapshot/source.ts";
import { type SnapshotStore, storedSource } from "../snapshot/store.ts";
import { Storage } from "../storage/storage.ts";
import { misfit } from "./fit.ts";
import type { Replica } from "./replica.ts";

const logger = getLogger(["usergrade", "bootstrap"]);

/** How long to wait before all sources are tried again, from and up to. */
const BACK_OFF_MIN_MS = 1_000;
const BACK_OFF_MAX_MS = 30_000;

/** How often a log line says how far a restore is. */
const PROGRESS_MS = 2_000;

/** The log as a starting replica needs it. */
export interface BootstrapLog {
  /** Looks where the log stands now. */
  locate(sequence: number): Promise<LogLocation>;
  /** Starts the entries after one; its time is null if it is not known. */
  consume(after: number, time: string | null): void;
}

/** Where a starting replica looks for a snapshot. */
export interface SnapshotPlaces {
  /** Peers and files, in the order in which they are tried. */
  readonly sources: readonly SnapshotSource[];
  /** What the log itself keeps, tried after them; undefined if it keeps none. */
  readonly store: SnapshotStore | undefined;
}

/** A snapshot is not one that this log goes on from. */
export class MisfitError extends Error {
  override name = "MisfitError";
}

/** A verified state, and what it is of. */
interface Restored {
  readonly storage: Storage;
  readonly place: Pick<SnapshotInfo, "sequence" | "time">;
}

/**
 * Restores a snapshot and starts the entries after it: the first one that can be
 * had, is of this very log and is verified; else nothing, if the log still has
 * its first entry. Without any it says so and tries again. A log that stands
 * alone, with no sources, would only give the same again: then it fails.
 *
 * @param replica A replica that has applied nothing.
 * @param log The open log.
 * @param info What the log said when it was opened.
 * @param places Where snapshots may be.
 * @param signal Aborts it.
 * @throws {LogFailedError} If there is nothing to start from and never will be.
 */
export async function bootstrap(
  replica: Replica,
  log: BootstrapLog,
  info: LogInfo,
  places: SnapshotPlaces,
  signal: AbortSignal,
): Promise<void> {
  replica.logOpened(info);
  const attempt = new Attempt(replica, log, info.id, signal);
  for (let wait_ms = BACK_OFF_MIN_MS;;) {
    const restored = await attempt.restoreFirst(places) ?? beginning(info);
    if (restored !== undefined) {
      const { storage, place } = restored;
      replica.adopt(storage, place);
      log.consume(place.sequence, place.time);
      return;
    }
    const nothing =
      `the log begins with entry ${info.firstSequence}, and no snapshot can be had to start from`;
    if (places.store !== undefined && places.sources.length === 0) {
      throw new LogFailedError(
        `Cannot start: ${nothing} (${attempt.reason}): put back a copy of DATA_DIR`,
      );
    }
    const reason = `${nothing}; next try in ${wait_ms / 1000} s`;
    logger.error("Not ready: {reason}", { reason });
    replica.noteRestore({ reason, rows: 0, percent: 0 });
    await sleep(wait_ms, undefined, { signal });
    wait_ms = Math.min(2 * wait_ms, BACK_OFF_MAX_MS);
  }
}

/** The state before the first entry, if the log still has that entry. */
function beginning({ firstSequence }: LogInfo): Restored | undefined {
  return firstSequence === 1
    ? { storage: new Storage(), place: { sequence: 0, time: null } }
    : undefined;
}

/** Tries the sources, one after the other. */
class Attempt {
  /** Why the last source did not do. */
  reason = "it keeps none";

  constructor(
    private readonly replica: Replica,
    private readonly log: BootstrapLog,
    private readonly logId: string,
    private readonly signal: AbortSignal,
  ) {}

  /** @returns The first state that can be had; undefined if there is none. */
  async restoreFirst(
    { sources, store }: SnapshotPlaces,
  ): Promise<Restored | undefined> {
    for (const source of sources) {
      const restored = await this.#try(source);
      if (restored !== undefined) return restored;
    }
    for (const stored of await store?.list() ?? []) {
      const source = storedSource("the log's own snapshot", store!, stored);
      const restored = await this.#try(source);
      if (restored !== undefined) return restored;
    }
    return undefined;
  }

  async #try(source: SnapshotSource): Promise<Restored | undefined> {
    try {
      using snapshot = await source.open(this.signal);
      const { info } = snapshot;
      const location = await this.log.locate(info.sequence);
      const reason = misfit(info, this.logId, location);
      if (reason !== undefined) throw new MisfitError(reason);
      const observer = progressOf(source.name, info, this.replica);
      const storage = await restore(snapshot, observer);
      logger.info(
        "Snapshot from {source}: ok, {rows} users at sequence {sequence}",
        {
          source: source.name,
          rows: info.rows,
          sequence: info.sequence,
        },
      );
      return { storage, place: info };
    } catch (error) {
      if (error instanceof LogFailedError) throw error;
      this.signal.throwIfAborted();
      this.reason = (error as Error).message;
      logger.warn("Snapshot from {source}: {reason}", {
        source: source.name,
        reason: this.reason,
      });
      return undefined;
    }
  }
}

/** Tells the probes how a restore goes, and the log lines now and then. */
function progressOf(source: string, info: SnapshotInfo, replica: Replica) {
  let nextLine_ms = performance.now() + PROGRESS_MS;
  return {
    progress: (rows: number, percent: number) => {
      const reason = `restoring from ${source}`;
      replica.noteRestore({ reason, rows, percent });
      const now_ms = performance.now();
      if (now_ms < nextLine_ms || rows === info.rows) return;
      nextLine_ms = now_ms + PROGRESS_MS;
      logger.info(
        "Snapshot from {source}: {rows} rows restored, {percent} %",
        { source, rows, percent },
      );
    },
  };
}
