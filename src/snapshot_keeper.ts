/**
 * The snapshots of one replica: the stores that keep them, and what makes them
 * and cuts the log behind them.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { Cluster } from "./cluster/cluster.ts";
import { type Standing, standing } from "./cluster/standing.ts";
import type { LogEntry, LogLimits, LogRetention } from "./log/log.ts";
import {
  type CompactionPlace,
  type CompactionPolicy,
  type CompactionSituation,
  KEPT_BESIDE_LOG,
} from "./replica/compaction_facts.ts";
import type { MadeSnapshot } from "./replica/compaction_requests.ts";
import { Compactor, type CompactorPorts } from "./replica/compactor.ts";
import { Compactors } from "./replica/compactors.ts";
import { LogGrowth } from "./replica/log_growth.ts";
import type { Replica } from "./replica/replica.ts";
import type { NamedStore } from "./replica/snapshot_search.ts";

const logger = getLogger(["usergrade"]);

/** The stores of one replica. */
export interface SnapshotStores {
  /** The one that the log is cut behind; `isShared` if all replicas use it. */
  readonly own: NamedStore & { readonly isShared: boolean };
  /** This replica's folder, and how many it keeps; undefined if there is none. */
  readonly folder: (NamedStore & { readonly kept: number }) | undefined;
}

/** What a keeper works for. */
export interface SnapshotKeeperParts
  extends Pick<CompactorPorts, "locate" | "trim" | "now" | "date" | "pause"> {
  readonly replica: Replica;
  readonly cluster: Cluster;
}

const NO_RETENTION: LogRetention = {
  age_ms: undefined,
  bytes: undefined,
  entries: undefined,
};

/** Keeps snapshots, shows which there are, and makes some on demand. */
export class SnapshotKeeper {
  readonly #compactors: Compactors;
  readonly #growth = new LogGrowth();
  #retention = NO_RETENTION;
  #cutProblem: string | undefined;

  /**
   * @param stores Where they are kept.
   * @param policy When they are made.
   * @param parts What they are of.
   */
  constructor(
    { own, folder }: SnapshotStores,
    policy: CompactionPolicy,
    private readonly parts: SnapshotKeeperParts,
  ) {
    const compactor = ({ name, store }: NamedStore, place: CompactionPlace) =>
      new Compactor({ name, place, policy }, {
        store,
        snapshot: () => parts.replica.snapshot(),
        locate: (sequence) => parts.locate(sequence),
        trim: (sequence) => parts.trim(sequence),
        situation: () => this.#situation(),
        now: () => parts.now(),
        date: () => parts.date(),
        // Workers that write files rest by themselves.
        pause: (worked_ms) =>
          parts.pause(store === own.store && !own.isShared ? worked_ms : 0),
      });
    this.#compactors = new Compactors({
      log: compactor(own, {
        isShared: own.isShared,
        trims: true,
        kept: KEPT_BESIDE_LOG,
      }),
      folder: folder &&
        compactor(folder, {
          isShared: false,
          trims: false,
          kept: folder.kept,
        }),
    });
  }

  /** Takes note of entries that came. */
  noteEntries(entries: readonly LogEntry[], bytes: number): void {
    const [first] = entries;
    const last = entries[entries.length - 1];
    if (last !== undefined) {
      this.#growth.note(first.sequence, last.sequence, bytes);
    }
  }

  /** Takes note of what the log has. */
  noteLimits(limits: LogLimits): void {
    this.#growth.noteLog(limits);
    const said = sayRetention(limits.retention);
    if (said !== sayRetention(this.#retention) && said !== "") {
      logger.warn(
        "The log has a limit that takes old entries, whether a snapshot has them or not: {limits}. Remove it: the log is cut behind snapshots",
        { limits: said },
      );
    }
    this.#retention = limits.retention;
    this.#cutProblem = limits.cutProblem;
  }

  #situation(): CompactionSituation & { logId: string | undefined } {
    const { replica, cluster, now } = this.parts;
    const logId = replica.log?.id;
    let seen: Standing | undefined;
    const among = () => seen ??= standing(cluster.view(now()).replicas, logId);
    return {
      logId,
      blocked: this.#blocked(),
      appliedSequence: replica.appliedSequence,
      logBytesSince: (sequence) => this.#growth.since(sequence),
      retention: this.#retention,
      cutProblem: this.#cutProblem,
      // A compactor that has nothing to do does not ask for it.
      get rank() {
        return among().rank;
      },
      get slowestSequence() {
        return among().slowestSequence;
      },
    };
  }

  #blocked(): string | undefined {
    const { replica, cluster } = this.parts;
    if (!replica.writable) {
      return `this replica can't commit (${replica.state}): ${replica.reason}`;
    }
    // With two replicas that differ, neither can tell which is wrong.
    return cluster.diverged
      ? "this replica and another one have different records"
      : undefined;
  }

  /** How large the log is. */
  get log(): { readonly bytes: number; readonly isLimited: boolean } {
    return {
      bytes: this.#growth.logBytes,
      isLimited: sayRetention(this.#retention) !== "",
    };
  }

  /** The snapshots beside the log, and those in the folder. */
  get places(): Compactors["places"] {
    return this.#compactors.places;
  }

  /**
   * Makes a snapshot of now in each place, as {@linkcode Compactors.make} does.
   *
   * @throws {UnavailableError} If that can't be done now.
   */
  make(): Promise<MadeSnapshot> {
    return this.#compactors.make();
  }

  /** A restore has found that a snapshot of a store is damaged. */
  doubt(store: string, id: string): void {
    this.#compactors.doubt(store, id);
  }

  /** Does what is to be done. Call it a few times a second. */
  tick(): void {
    this.#compactors.tick(this.parts.now());
  }

  /** Ends what is under way, whose snapshot is not kept. */
  async stop(): Promise<void> {
    await this.#compactors.stop();
  }
}

/** @returns The limits in a few words; empty if there is none. */
function sayRetention({ age_ms, bytes, entries }: LogRetention): string {
  return [
    age_ms && `max_age ${age_ms / 1_000} s`,
    bytes && `max_bytes ${bytes}`,
    entries && `max_msgs ${entries}`,
  ].filter(Boolean).join(", ");
}
