/**
 * The search for a snapshot that a log goes on from.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { LogFailedError } from "../log/log.ts";
import { EVENT_LOOP } from "../snapshot/event_loop.ts";
import type { SnapshotSource } from "../snapshot/source.ts";
import {
  SnapshotsForbiddenError,
  type SnapshotStore,
  type StoredSnapshot,
  storedSource,
} from "../snapshot/store.ts";
import { isBeyond } from "./fit.ts";
import type { RestoreProgress } from "./readiness.ts";
import type { Refusals } from "./refusals.ts";
import {
  type LocatingLog,
  MisfitError,
  type Restored,
  SearchAttempt,
  type Wanted,
} from "./search_attempt.ts";

const logger = getLogger(["usergrade", "bootstrap"]);

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
   * Tried after the sources, unless the log is empty: the newest snapshot first,
   * over all stores; of two at the same sequence, the one whose log was healed
   * more often, or whose store comes first.
   */
  readonly stores: readonly NamedStore[];
}

/** How a search ended. */
export type Found =
  | Restored
  /** There is none; `account` says why not. */
  | { readonly type: "nothing"; readonly account: string };

/** A stored snapshot, and where it is. */
type Listed = NamedStore & { readonly stored: StoredSnapshot };

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
    const { log, tell, loop } = this;
    const attempt = new SearchAttempt(wanted, { log, tell, loop }, signal);
    const { refusals } = attempt;
    // An empty log does not tell a source that has another history. What it was
    // emptied behind is stored.
    const { firstSequence, lastSequence } = await log.locate(0);
    const isEmptied = firstSequence > 1 && firstSequence > lastSequence;
    // They are listed only when they are needed.
    const listed = (wanted.end !== undefined || isEmptied)
      ? await this.#stored(refusals)
      : undefined;
    const isFirst = ({ stored }: Listed) =>
      isEmptied || isBeyond(stored.info, wanted.end);
    return await this.#tryStored(listed?.filter(isFirst) ?? [], attempt) ??
      await this.#trySources(attempt) ??
      await this.#tryStored(
        listed?.filter((one) => !isFirst(one)) ?? await this.#stored(refusals),
        attempt,
      ) ??
      { type: "nothing", account: refusals.text };
  }

  async #trySources(attempt: SearchAttempt): Promise<Found | undefined> {
    for (const source of this.places.sources) {
      const found = await attempt.restore(source, source.name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #tryStored(
    listed: readonly Listed[],
    attempt: SearchAttempt,
  ): Promise<Found | undefined> {
    for (const { name, store, stored } of listed) {
      const why = await attempt.misfit(stored.info);
      if (why !== undefined) {
        // The listing is enough, so nothing is read of those that do not fit.
        attempt.refusals.add(name, new MisfitError(why));
        continue;
      }
      const source = storedSource(name, store, stored);
      const doubt = () => this.doubt(name, stored.id);
      const found = await attempt.restore(source, name, doubt);
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
    return all.sort(({ stored: { info: a } }, { stored: { info: b } }) =>
      b.sequence - a.sequence || (b.heals?.count ?? 0) - (a.heals?.count ?? 0)
    );
  }
}
