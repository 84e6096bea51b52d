/**
 * The tries of one search for a snapshot: whether one will do, and restoring it.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { LogFailedError, type LogLocation } from "../log/log.ts";
import type { EventLoop } from "../snapshot/event_loop.ts";
import { restore } from "../snapshot/restore.ts";
import {
  SnapshotDamagedError,
  type SnapshotInfo,
} from "../snapshot/snapshot.ts";
import type { SnapshotSource } from "../snapshot/source.ts";
import type { Storage } from "../storage/storage.ts";
import { isShown, type LogEnd, misfit } from "./fit.ts";
import type { RestoreProgress } from "./readiness.ts";
import { Refusals } from "./refusals.ts";
import type { Place } from "./state_machine.ts";

const logger = getLogger(["usergrade", "bootstrap"]);

/** How often a log line says how far a restore is. */
const PROGRESS_MS = 2_000;

/** The log as a search needs it. */
export interface LocatingLog {
  /** Looks where the log stands now. */
  locate(sequence: number): Promise<LogLocation>;
}

/** What has to be true of the snapshot. */
export interface Wanted {
  /** The log's identity. */
  readonly logId: string;
  /** The entry that it has to include; 0 for none. */
  readonly entry: number;
  /**
   * The log's end, if a snapshot beyond it will do too, which shows what the
   * log has lost. Stored ones are tried before the sources.
   */
  readonly end?: LogEnd | undefined;
  /**
   * Why a snapshot does not go on from the state that there is; left out if there
   * is none. It is asked where no entry of the log shows that the log goes on
   * from the snapshot: a replica that has another history may offer it.
   */
  readonly objection?: (info: SnapshotInfo) => string | undefined;
}

/** The state that a search has restored. */
export interface Restored {
  readonly type: "restored";
  /** The state, verified. */
  readonly storage: Storage;
  /** The last entry that it includes. */
  readonly place: Place;
  /** What was taken, and why not the others, in a few words. */
  readonly account: string;
}

/** The log does not go on from the snapshot. */
export class MisfitError extends Error {
  override name = "MisfitError";
}

/** What the tries need from outside. */
export interface AttemptPorts {
  readonly log: LocatingLog;
  /** Told how the restore goes. */
  tell(progress: RestoreProgress): void;
  /** Where snapshots are restored. */
  readonly loop: EventLoop;
}

/** One search's tries. */
export class SearchAttempt {
  /** Why what was tried can't be used. */
  readonly refusals = new Refusals();

  /**
   * @param wanted What the snapshot has to be.
   * @param ports The log, and where the restore goes on.
   * @param signal Aborts it.
   */
  constructor(
    private readonly wanted: Wanted,
    private readonly ports: AttemptPorts,
    private readonly signal: AbortSignal,
  ) {}

  /** @returns Why a snapshot will not do; undefined if it will. */
  async misfit(info: SnapshotInfo): Promise<string | undefined> {
    const { logId, entry, end, objection } = this.wanted;
    if (info.sequence < entry) {
      return `too old for this replica: it ends at ${info.sequence}, and entry ${entry} is needed`;
    }
    const location = await this.ports.log.locate(info.sequence);
    const why = misfit(info, logId, location, end);
    if (why !== undefined || isShown(info, location)) return why;
    const other = objection?.(info);
    return other && `of another history, or this replica is: ${other}`;
  }

  /**
   * Restores a snapshot, if the log goes on from it and it is whole.
   *
   * @param place What the refusals call it.
   * @param doubt Called if it is damaged.
   * @returns Undefined if it can't be used; the refusals say why.
   */
  async restore(
    source: SnapshotSource,
    place: string,
    doubt: () => void = () => {},
  ): Promise<Restored | undefined> {
    const { refusals, signal } = this;
    try {
      using snapshot = await source.open(signal);
      const { info } = snapshot;
      const why = await this.misfit(info);
      if (why !== undefined) throw new MisfitError(why);
      const reason = `restoring from ${source.name}${refusals.suffix}`;
      const storage = await restore(snapshot, {
        progress: this.#progress(source.name, info, reason),
      }, this.ports.loop);
      signal.throwIfAborted();
      const { rows, sequence } = info;
      logger.info(
        "Snapshot from {source}: ok, {rows} users at sequence {sequence}",
        { source: source.name, rows, sequence },
      );
      return {
        type: "restored",
        storage,
        place: info,
        account:
          `restored from ${place} at sequence ${sequence}${refusals.suffix}`,
      };
    } catch (error) {
      if (error instanceof LogFailedError) throw error;
      signal.throwIfAborted();
      if (error instanceof SnapshotDamagedError) doubt();
      refusals.add(place, error as Error);
      logger.warn("Snapshot from {source}: {reason}", {
        source: source.name,
        reason: (error as Error).message,
      });
      return undefined;
    }
  }

  /** Tells the probes how a restore goes, and the log lines now and then. */
  #progress(source: string, info: SnapshotInfo, reason: string) {
    let nextLine_ms = this.ports.loop.now() + PROGRESS_MS;
    return (rows: number, percent: number) => {
      this.ports.tell({ reason, rows, percent });
      const now_ms = this.ports.loop.now();
      if (now_ms < nextLine_ms || rows === info.rows) return;
      nextLine_ms = now_ms + PROGRESS_MS;
      logger.info(
        "Snapshot from {source}: {rows} rows restored, {percent} %",
        { source, rows, percent },
      );
    };
  }
}
