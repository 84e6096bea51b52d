/**
 * The snapshots of one replica: the stores that keep them, and what makes them
 * and cuts the log behind them.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "./cluster/cluster.ts";
import { standing } from "./cluster/standing.ts";
import type { Config } from "./config/config.ts";
import type { LogEntry, LogLimits, LogRetention } from "./log/log.ts";
import type { LogClient } from "./log/thread/log_client.ts";
import {
  type CompactionPlace,
  type CompactionSituation,
  KEPT_BESIDE_LOG,
} from "./replica/compaction_facts.ts";
import type { MadeSnapshot } from "./replica/compaction_requests.ts";
import { Compactor } from "./replica/compactor.ts";
import { Compactors } from "./replica/compactors.ts";
import { LogGrowth } from "./replica/log_growth.ts";
import type { Replica } from "./replica/replica.ts";
import type { NamedStore } from "./replica/snapshot_search.ts";
import type { FilePlace } from "./snapshot/file_place.ts";
import { FileStore } from "./snapshot/file_store.ts";
import { FolderPlace } from "./snapshot/folder_place.ts";
import { rest } from "./snapshot/format/rest.ts";

const logger = getLogger(["usergrade"]);

/** What a keeper works for. */
export interface SnapshotKeeperParts {
  readonly log: LogClient;
  readonly replica: Replica;
  readonly cluster: Cluster;
  /** A clock that never goes back, in milliseconds. */
  now(): number;
}

/**
 * While sets are under way, snapshots rest so many times as long as they work:
 * on two cores that the sets keep busy, one made without a rest took half of
 * their speed.
 */
const REST_FACTOR = 3;

const NO_RETENTION: LogRetention = {
  age_ms: undefined,
  bytes: undefined,
  entries: undefined,
};

/** Keeps snapshots, shows which there are, and makes some on demand. */
export class SnapshotKeeper {
  /** Where a replica finds them again: the log's own store, then the folder. */
  readonly stores: readonly NamedStore[];
  readonly #compactors: Compactors;
  readonly #growth = new LogGrowth();
  #retention = NO_RETENTION;

  /**
   * @param config Where they are kept, and when they are made.
   * @param parts What they are of.
   */
  constructor(config: Config, private readonly parts: SnapshotKeeperParts) {
    const { nats, snapshots: { folder, ...policy } } = config;
    const compactor = (
      { name, store }: NamedStore,
      place: CompactionPlace,
      pause: (worked_ms: number) => Promise<void> = () => sleep(0),
    ) =>
      new Compactor({ name, place, policy }, {
        store,
        snapshot: () => parts.replica.snapshot(),
        locate: (sequence) => parts.log.locate(sequence),
        trim: (sequence) => parts.log.trim(sequence),
        situation: () => this.#situation(),
        now: () => parts.now(),
        date: () => Date.now(),
        pause,
      });
    const own = nats === undefined
      ? { name: "the log's file", store: parts.log.snapshots }
      : this.#filesIn(`the bucket ${nats.stream}-snapshots`, parts.log.files);
    const inFolder = folder &&
      this.#filesIn(
        `the folder ${folder.path}`,
        new FolderPlace(folder.path),
      );
    this.stores = inFolder === undefined ? [own] : [own, inFolder];
    this.#compactors = new Compactors({
      log: compactor(own, {
        isShared: nats !== undefined,
        trims: true,
        kept: KEPT_BESIDE_LOG,
      }, nats === undefined ? (worked_ms) => this.#rest(worked_ms) : undefined),
      folder: inFolder &&
        compactor(inFolder, {
          isShared: false,
          trims: false,
          kept: folder!.kept,
        }),
    });
  }

  /** Its workers rest by themselves. */
  #filesIn(name: string, place: FilePlace): NamedStore {
    const restFactor = () => this.#restFactor;
    return { name, store: new FileStore(name, place, { restFactor }) };
  }

  /** The log's own worker writes these snapshots, and has the sets to commit. */
  async #rest(worked_ms: number): Promise<void> {
    await sleep(0);
    await rest(worked_ms, this.#restFactor);
  }

  get #restFactor(): number {
    return this.parts.replica.sets.pending > 0 ? REST_FACTOR : 0;
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
  }

  #situation(): CompactionSituation & { logId: string | undefined } {
    const { replica, cluster, now } = this.parts;
    const logId = replica.log?.id;
    return {
      logId,
      blocked: this.#blocked(),
      appliedSequence: replica.appliedSequence,
      logBytesSince: (sequence) => this.#growth.since(sequence),
      retention: this.#retention,
      ...standing(cluster.view(now()).replicas, logId),
    };
  }

  #blocked(): string | undefined {
    const { replica, cluster } = this.parts;
    if (!replica.writable) return `${replica.state}: ${replica.reason}`;
    // Nobody can say which of two that differ is right.
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
