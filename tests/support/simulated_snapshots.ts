/**
 * Where a simulated replica finds snapshots: the other replicas, and a store.
 *
 * @module
 */
import assert from "node:assert/strict";
import { formatNanoseconds } from "./nanoseconds.ts";
import type { LogLocation } from "../../src/log/log.ts";
import { misfit } from "../../src/replica/fit.ts";
import { NotReadyError } from "../../src/replica/not_ready.ts";
import type { Wanted } from "../../src/replica/search_attempt.ts";
import type { Found } from "../../src/replica/snapshot_search.ts";
import type { SnapshotInfo } from "../../src/snapshot/snapshot.ts";
import { Storage } from "../../src/storage/storage.ts";
import type { Random } from "./random.ts";
import type { SimulatedBroker } from "./simulated_broker.ts";
import type { SimulatedReplica } from "./simulated_replica.ts";
import { applyEntry } from "./simulated_stream.ts";
import type { SimulatedTime } from "./simulated_time.ts";

/** How long asking for one, or reading one, takes. */
const DELAYS_MS = [0, 0, 10, 1_000];

/** How often the log is asked while it does not answer. */
const LOCATE_MS = 500;

/** How many the store keeps. */
const KEPT = 2;

/** A state at a sequence, as its keys: those of all entries up to there. */
export interface SimulatedSnapshot {
  readonly info: SnapshotInfo;
  readonly keys: readonly string[];
  /** Whether reading it finds it damaged. */
  readonly isDamaged: boolean;
}

/** What the replicas of one broker give, and what they have stored. */
export class SimulatedSnapshots {
  /** The newest first. */
  #stored: SimulatedSnapshot[] = [];
  replicas: SimulatedReplica[] = [];

  constructor(
    private readonly broker: SimulatedBroker,
    private readonly time: SimulatedTime,
    private readonly random: Random,
  ) {}

  /** @returns The state of a replica; undefined if it gives none. */
  snapshotOf(replica: SimulatedReplica): SimulatedSnapshot | undefined {
    try {
      using snapshot = replica.replica.snapshot();
      const { info } = snapshot;
      const keys = replica.applied.slice(0, info.sequence);
      return { info, keys, isDamaged: false };
    } catch (error) {
      if (!(error instanceof NotReadyError)) throw error;
      return undefined;
    }
  }

  /** Stores the state of a replica, and forgets the oldest. */
  save(replica: SimulatedReplica): void {
    const snapshot = this.snapshotOf(replica);
    if (snapshot === undefined) return;
    this.#stored = [snapshot, ...this.#stored]
      .sort((a, b) => b.info.sequence - a.info.sequence)
      .slice(0, KEPT);
  }

  /** Damages the newest one. */
  damage(): void {
    const [newest, ...older] = this.#stored;
    if (newest !== undefined) {
      this.#stored = [{ ...newest, isDamaged: true }, ...older];
    }
  }

  /** The sequence that the log is cut behind; 0 if nothing is stored. */
  get oldestSequence(): number {
    return this.#stored.at(-1)?.info.sequence ?? 0;
  }

  /** @returns What could be taken now. */
  fitting(wanted: Wanted, seeker: SimulatedReplica): SimulatedSnapshot[] {
    return this.#offered(seeker).filter((one) =>
      !one.isDamaged && this.#fits(one, wanted)
    );
  }

  #offered(seeker: SimulatedReplica): SimulatedSnapshot[] {
    const peers = this.replicas.filter((one) => one !== seeker)
      .flatMap((one) => this.snapshotOf(one) ?? []);
    return [...peers, ...this.#stored];
  }

  #fits({ info }: SimulatedSnapshot, { logId, entry }: Wanted): boolean {
    const location = this.#locate(info.sequence);
    return info.sequence >= entry && location !== undefined &&
      misfit(info, logId, location) === undefined;
  }

  /** Undefined if nobody answers. */
  #locate(sequence: number): LogLocation | undefined {
    const { stream, isUp, isAnswering } = this.broker;
    if (stream === undefined || !isUp || !isAnswering) return undefined;
    const { first, last } = stream;
    const entry = stream.entries.get(sequence);
    const isBefore = sequence > 0 && sequence === first - 1 && last >= first;
    return {
      firstSequence: first,
      lastSequence: last,
      time: entry && formatNanoseconds(entry.nanoseconds),
      // There is no healing here.
      ...(isBefore && { begin: { mark: undefined } }),
    };
  }

  /** Looks once, as the product's search does, and takes as long as it likes. */
  async search(
    wanted: Wanted,
    seeker: SimulatedReplica,
    signal: AbortSignal,
  ): Promise<Found> {
    await this.#takeTime(signal);
    for (const one of this.#offered(seeker)) {
      await this.#takeTime(signal);
      while (this.#locate(one.info.sequence) === undefined) {
        await this.sleep(LOCATE_MS, signal);
      }
      if (!this.#fits(one, wanted)) continue;
      await this.#takeTime(signal);
      if (one.isDamaged) continue;
      const storage = this.#restored(one);
      const { info: place } = one;
      const account = "restored from another";
      return { type: "restored", storage, place, account };
    }
    return { type: "nothing", account: "none fits" };
  }

  #restored({ info, keys }: SimulatedSnapshot): Storage {
    const storage = new Storage();
    for (const key of keys) {
      const entry = this.broker.everStored.get(key)!;
      applyEntry(storage, entry);
    }
    assert.equal(storage.digest, info.digest);
    return storage;
  }

  #takeTime(signal: AbortSignal): Promise<void> {
    return this.sleep(this.random.pick(DELAYS_MS), signal);
  }

  /** Waits in simulated time. */
  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) =>
      this.time.after(ms, () => {
        if (signal.aborted) reject(signal.reason);
        else resolve();
      })
    );
  }
}
