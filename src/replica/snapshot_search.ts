/**
 * The search for a snapshot that a log goes on from.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { LogFailedError, type LogLocation } from "../log/log.ts";
import { EVENT_LOOP } from "../snapshot/event_loop.ts";
import { restore } from "../snapshot/restore.ts";
import {
  SnapshotDamagedError,
  type SnapshotInfo,
} from "../snapshot/snapshot.ts";
import type { SnapshotSource } from "../snapshot/source.ts";
import {
  SnapshotsForbiddenError,
  type SnapshotStore,
  type StoredSnapshot,
  storedSource,
} from "../snapshot/store.ts";
import type { Storage } from "../storage/storage.ts";
import { isBeyond, type LogEnd, misfit } from "./fit.ts";
import type { RestoreProgress } from "./readiness.ts";
import { Refusals } from "./refusals.ts";

const logger = getLogger(["usergrade", "bootstrap"]);

/** How often a log line says how far a restore is. */
const PROGRESS_MS = 2_000;

/** A store, and what log lines call it. */
export interface NamedStore {
  /** As in "the embedded log". */
  readonly name: string;
  readonly store: SnapshotStore;
}

/** Where snapshots may be. */
export interface SnapshotPlaces {
  /** Peers and files, in the order in which they are tried. */
  readonly sources: readonly SnapshotSource[];
  /**
   * Tried after the sources: the newest snapshot first, over all stores; of two
   * at the same sequence, the one whose store comes first.
   */
  readonly stores: readonly NamedStore[];
}

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
}

/** How a search ended. */
export type Found =
  | {
    readonly type: "restored";
    /** The state, verified. */
    readonly storage: Storage;
    readonly place: Pick<
      SnapshotInfo,
      "sequence" | "time" | "heals" | "seams"
    >;
    /** What was taken, and why not the others, in a few words. */
    readonly account: string;
  }
  /** There is none; `account` says why not. */
  | { readonly type: "nothing"; readonly account: string };

/** One search. */
interface Attempt {
  readonly wanted: Wanted;
  readonly signal: AbortSignal;
  /** Why what was tried can't be used. */
  readonly refusals: Refusals;
}

/** A stored snapshot, and where it is. */
type Listed = NamedStore & { readonly stored: StoredSnapshot };

/** The log does not go on from the snapshot. */
export class MisfitError extends Error {
  override name = "MisfitError";
}

/** Looks through the places in their order. */
export class SnapshotSearch {
  /**
   * @param places Where to look.
   * @param log The open log.
   * @param tell Told how the restore goes.
   * @param doubt Told of a stored snapshot that turned out to be damaged, by
   * the name of its store and its id there.
   * @param loop Where snapshots are restored.
   */
  constructor(
    private readonly places: SnapshotPlaces,
    private readonly log: LocatingLog,
    private readonly tell: (progress: RestoreProgress) => void,
    private readonly doubt: (store: string, id: string) => void = () => {},
    private readonly loop = EVENT_LOOP,
  ) {}

  /**
   * Restores the first snapshot that can be had, is one that the log goes on
   * from, and turns out to be whole. Any other costs time and nothing else.
   *
   * @param wanted What it has to be.
   * @param signal Aborts it.
   * @throws {LogFailedError} If the log can't be used any more.
   */
  async run(wanted: Wanted, signal: AbortSignal): Promise<Found> {
    const attempt: Attempt = { wanted, signal, refusals: new Refusals() };
    const { refusals } = attempt;
    // They are listed only when they are needed.
    const listed = wanted.end && await this.#stored(refusals);
    const isLost = ({ stored }: Listed) => isBeyond(stored.info, wanted.end);
    return await this.#tryStored(listed?.filter(isLost) ?? [], attempt) ??
      await this.#trySources(attempt) ??
      await this.#tryStored(
        listed?.filter((one) => !isLost(one)) ?? await this.#stored(refusals),
        attempt,
      ) ??
      { type: "nothing", account: refusals.text };
  }

  async #trySources(attempt: Attempt): Promise<Found | undefined> {
    for (const source of this.places.sources) {
      const found = await this.#try(source, source.name, attempt);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #tryStored(
    listed: readonly Listed[],
    attempt: Attempt,
  ): Promise<Found | undefined> {
    for (const { name, store, stored } of listed) {
      const why = await this.#misfit(stored.info, attempt.wanted);
      if (why !== undefined) {
        // The listing is enough, so nothing is read of those that do not fit.
        attempt.refusals.add(name, new MisfitError(why));
        continue;
      }
      const source = storedSource(name, store, stored);
      const doubt = () => this.doubt(name, stored.id);
      const found = await this.#try(source, name, attempt, doubt);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** All that the stores keep, the newest first. */
  async #stored(refusals: Refusals): Promise<Listed[]> {
    const all: Listed[] = [];
    for (const { name, store } of this.places.stores) {
      try {
        const listed = await store.list();
        if (listed.length === 0) refusals.add(name, new Error("none"));
        for (const stored of listed) all.push({ name, store, stored });
      } catch (error) {
        if (error instanceof LogFailedError) throw error;
        refusals.add(name, error as Error);
        // Where they are off, compaction says it, once.
        const isOff = error instanceof SnapshotsForbiddenError;
        logger[isOff ? "debug" : "warn"]("Snapshots in {store}: {reason}", {
          store: name,
          reason: (error as Error).message,
        });
      }
    }
    return all.sort((a, b) => b.stored.info.sequence - a.stored.info.sequence);
  }

  async #misfit(
    info: SnapshotInfo,
    { logId, entry, end }: Wanted,
  ): Promise<string | undefined> {
    if (info.sequence < entry) {
      return `too old for this replica: it ends at ${info.sequence}, and entry ${entry} is needed`;
    }
    return misfit(info, logId, await this.log.locate(info.sequence), end);
  }

  /**
   * @param place What the refusals call it.
   * @param doubt Called if it is damaged.
   * @returns Undefined if it can't be used; the refusals say why.
   */
  async #try(
    source: SnapshotSource,
    place: string,
    { wanted, refusals, signal }: Attempt,
    doubt: () => void = () => {},
  ): Promise<Found | undefined> {
    try {
      using snapshot = await source.open(signal);
      const { info } = snapshot;
      const why = await this.#misfit(info, wanted);
      if (why !== undefined) throw new MisfitError(why);
      const reason = `restoring from ${source.name}${refusals.suffix}`;
      const storage = await restore(snapshot, {
        progress: this.#progress(source.name, info, reason),
      }, this.loop);
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
    let nextLine_ms = this.loop.now() + PROGRESS_MS;
    return (rows: number, percent: number) => {
      this.tell({ reason, rows, percent });
      const now_ms = this.loop.now();
      if (now_ms < nextLine_ms || rows === info.rows) return;
      nextLine_ms = now_ms + PROGRESS_MS;
      logger.info(
        "Snapshot from {source}: {rows} rows restored, {percent} %",
        { source, rows, percent },
      );
    };
  }
}
