/**
 * What a compactor sees: the snapshots of its store, what is known of each, and
 * where the log begins and ends.
 *
 * @module
 */
import { SnapshotDamagedError } from "../snapshot/snapshot.ts";
import type { StoredSnapshot } from "../snapshot/store.ts";
import type { CompactionCalls } from "./compaction_calls.ts";
import { type KnownSnapshot, verifiedOf } from "./compaction_facts.ts";
import {
  type CompactionLook,
  CompactionLooks,
  type LookListener,
} from "./compaction_look.ts";
import { SnapshotReads } from "./snapshot_reads.ts";

/** What became of snapshots that were written here. */
export interface OwnListener {
  /** It was read back, by whomever. */
  verified(snapshot: StoredSnapshot): void;
  /** It is not in the store any more. */
  gone(id: string): void;
}

/** Looks at a store and its log, and remembers what was seen and read. */
export class CompactionSight {
  readonly #looks: CompactionLooks;
  readonly #reads = new SnapshotReads();
  /** The snapshots written since the start that are not verified. */
  readonly #own = new Set<string>();
  #last: CompactionLook | undefined;

  /**
   * @param calls Reach the store and the log.
   * @param listener Told of the snapshots that were written here.
   * @param troubles Told, once each, of what is wrong with store and log.
   */
  constructor(
    calls: CompactionCalls,
    private readonly listener: OwnListener,
    troubles: LookListener,
  ) {
    this.#looks = new CompactionLooks(calls, troubles);
  }

  /** The last look; undefined before the first. */
  get last(): CompactionLook | undefined {
    return this.#last;
  }

  /** @param logId The log's identity. */
  async look(logId: string, now_ms: number): Promise<CompactionLook> {
    const look = this.#last = await this.#looks.look(logId, now_ms);
    const stored = new Map(look.snapshots.map((one) => [one.id, one]));
    this.#reads.keep(stored);
    for (const id of this.#own) {
      const snapshot = stored.get(id);
      if (snapshot !== undefined && !snapshot.isVerified) continue;
      this.#own.delete(id);
      if (snapshot === undefined) this.listener.gone(id);
      else this.listener.verified(snapshot);
    }
    return look;
  }

  /** The snapshots that were listed last, newest first. */
  get snapshots(): KnownSnapshot[] {
    const known = (this.#last?.snapshots ?? []).map((snapshot) => ({
      ...snapshot,
      isOwn: this.#own.has(snapshot.id),
      isUnreadable: this.#reads.isGivenUp(snapshot.id),
      isReadAgain: false,
    }));
    const newest = verifiedOf(known).at(0)?.id;
    return known.map((snapshot) => ({
      ...snapshot,
      isReadAgain: this.#reads.wasReadBeside(snapshot.id, newest),
    }));
  }

  /** The newest snapshot that was read back whole; undefined before the first. */
  get newest(): KnownSnapshot | undefined {
    return verifiedOf(this.snapshots).at(0);
  }

  /** A snapshot was written. */
  written(id: string): void {
    this.#own.add(id);
  }

  /** A snapshot was read whole. */
  read(id: string): void {
    // The newest one may be this very one, which was not verified before.
    const newest = this.snapshots.find((one) =>
      one.isOfThisLog &&
      (one.id === id || one.isVerified && !one.isUnreadable)
    );
    this.#reads.succeeded(id, newest?.id ?? id);
  }

  /** A snapshot could not be read. */
  unread(id: string, error: Error): void {
    if (error instanceof SnapshotDamagedError) this.doubt(id);
    else this.#reads.failed(id);
  }

  /** A snapshot turned out to be damaged: it does not count any more. */
  doubt(id: string): void {
    this.#reads.doubt(id);
  }

  /** A snapshot is not of this log. */
  disown(id: string): void {
    this.#looks.disown(id);
  }
}
