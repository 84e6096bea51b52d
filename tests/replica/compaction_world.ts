/**
 * A log and a store of snapshots that some compactors use, in simulated time:
 * every call takes a while, may fail, may never be answered, and whoever made
 * it may die meanwhile.
 *
 * @module
 */
import assert from "node:assert/strict";
import { NO_RETENTION } from "../../src/log/log.ts";
import type { CompactionPolicy } from "../../src/replica/compaction_facts.ts";
import { Compactor } from "../../src/replica/compactor.ts";
import {
  type Snapshot,
  SnapshotDamagedError,
  type SnapshotInfo,
} from "../../src/snapshot/snapshot.ts";
import {
  SnapshotsForbiddenError,
  type SnapshotSink,
  type SnapshotStore,
  SnapshotStoreError,
  type StoredSnapshot,
} from "../../src/snapshot/store.ts";
import type { RowBlock } from "../../src/storage/row_block.ts";
import type { Random } from "../support/random.ts";
import type { SimulatedTime } from "../support/simulated_time.ts";
import { LOG_ID } from "../support/snapshots.ts";

/** The date when a simulation begins. */
const DATE_MS = Date.UTC(2026, 10, 24);

const ROW: RowBlock = {
  count: 1,
  keys: new Uint8Array(1),
  keyEnds: new Uint32Array([1]),
  numbers: new Float64Array(4),
};

/** What goes wrong, in percent of all calls, but for the longest delay. */
export interface Weather {
  fail: number;
  hang: number;
  /** A snapshot is damaged before it is read back. */
  damage: number;
  delay_ms: number;
}

/** All well. */
export const CALM: Weather = { fail: 0, hang: 0, damage: 0, delay_ms: 20 };

/** A snapshot that is stored. */
interface Stored extends StoredSnapshot {
  readonly order: number;
  isVerified: boolean;
  isDamaged: boolean;
}

/** A log, whose entries have one byte each, and a store. */
export class CompactionWorld {
  weather: Weather = { ...CALM };
  isForbidden = false;
  /** Whether the store lists nothing, whatever it has. */
  hidesAll = false;
  /** Whether nothing can be deleted. */
  keepsAll = false;
  /** How often a compactor is given its turn. */
  tick_ms = 100;
  firstSequence = 1;
  lastSequence = 0;
  readonly stored = new Map<string, Stored>();
  /** All that was done to the store and the log, for a test to look at. */
  readonly done: string[] = [];
  #names = 0;

  constructor(readonly time: SimulatedTime, readonly random: Random) {}

  /** When the log took an entry. */
  timeOf(sequence: number): string {
    return new Date(DATE_MS + sequence).toISOString();
  }

  date(): number {
    return DATE_MS + this.time.now;
  }

  /** Adds a snapshot that someone else has made. */
  put(
    sequence: number,
    { isVerified = true, isDamaged = false, logId = LOG_ID, time = "" } = {},
  ): string {
    const { info } = this.stateAt(sequence);
    const own = { ...info, logId, time: time || info.time };
    return this.#add(own, { isVerified, isDamaged });
  }

  /** The state at a sequence: one user, of whom nobody looks at the record. */
  stateAt(sequence: number): Snapshot {
    return {
      info: {
        logId: LOG_ID,
        sequence,
        time: sequence === 0 ? null : this.timeOf(sequence),
        rows: ROW.count,
        digest: "0".repeat(16),
      },
      blocks: (async function* () {
        yield ROW;
      })(),
      [Symbol.dispose]: () => {},
    };
  }

  #add(
    info: SnapshotInfo,
    { isVerified, isDamaged }: Pick<Stored, "isVerified" | "isDamaged">,
  ): string {
    const order = ++this.#names;
    const id = `s${order}`;
    this.stored.set(id, { id, info, bytes: 5, order, isVerified, isDamaged });
    return id;
  }

  /** Newest first. */
  list(): StoredSnapshot[] {
    return [...this.stored.values()].toSorted((a, b) =>
      b.info.sequence - a.info.sequence || b.order - a.order
    ).map(({ id, info, bytes, isVerified }) => ({
      id,
      info,
      bytes,
      isVerified,
    }));
  }

  /** This log's snapshots that were read back whole, newest first. */
  get verified(): Stored[] {
    return this.list().map(({ id }) => this.stored.get(id)!)
      .filter(({ info, isVerified }) => isVerified && info.logId === LOG_ID);
  }

  /**
   * Does something after a while, or doesn't: when it fails, it may have been
   * done. `caller` may have died before or after it.
   */
  async call<T>(caller: SimulatedCompactor, work: () => T): Promise<T> {
    const { random, weather, time } = this;
    const wait = () =>
      new Promise<void>((resolve) =>
        time.after(1 + random.below(weather.delay_ms), resolve)
      );
    await wait();
    if (caller.isDead || random.below(100) < weather.hang) await never();
    if (this.isForbidden) throw new SnapshotsForbiddenError("not allowed");
    const fails = random.below(100) < weather.fail;
    if (fails && random.below(2) === 0) throw new SnapshotStoreError("failed");
    const result = work();
    this.#checkState();
    await wait();
    if (caller.isDead) await never();
    if (fails) throw new SnapshotStoreError("failed");
    return result;
  }

  /** What was not true that must be at any time: no compactor may hide it. */
  violation: Error | undefined;

  #checkState(): void {
    try {
      this.checkState();
    } catch (error) {
      this.violation ??= error as Error;
    }
  }

  /** What must be true at any time. */
  checkState(): void {
    const reaching = this.verified.filter(({ info }) =>
      info.sequence >= this.firstSequence
    );
    if (this.firstSequence === 1) return;
    assert.ok(
      reaching.length >= 2,
      `the log begins at ${this.firstSequence}: ${
        this.list().map((one) => `${one.info.sequence} ${one.isVerified}`)
      }`,
    );
    assert.ok(
      reaching.some(({ isDamaged }) => !isDamaged),
      "no snapshot can be restored",
    );
  }

  sink(caller: SimulatedCompactor, info: SnapshotInfo): SnapshotSink {
    let written = 0;
    return {
      write: ({ count }) =>
        this.call(caller, () => {
          written += count;
        }),
      commit: () =>
        this.call(caller, () => {
          assert.equal(written, info.rows);
          const { random, weather } = this;
          const isDamaged = random.below(100) < weather.damage;
          const id = this.#add(info, { isVerified: false, isDamaged });
          this.done.push(`${caller.name} writes ${info.sequence}`);
          return this.list().find((one) => one.id === id)!;
        }),
      abort: () => this.call(caller, () => {}),
    };
  }

  verify(id: string): StoredSnapshot {
    const stored = this.stored.get(id);
    if (stored === undefined) throw new SnapshotStoreError("it is gone");
    if (stored.isDamaged) {
      throw new SnapshotDamagedError("damaged: a bit");
    }
    stored.isVerified = true;
    return this.list().find((one) => one.id === id)!;
  }

  trim(name: string, sequence: number): void {
    if (sequence <= 1 || sequence > this.lastSequence) {
      this.violation ??= new Error(`${name} trims ${sequence}`);
    }
    this.done.push(`${name} trims ${sequence}`);
    this.firstSequence = Math.max(this.firstSequence, sequence);
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}

/** A compactor, and the replica that it works for. */
export class SimulatedCompactor {
  isDead = false;
  rank = 0;
  slowestSequence: number | undefined;
  blocked: string | undefined;
  /** How far it is behind the log. */
  lag = 0;
  #applied = 0;
  readonly compactor: Compactor;

  constructor(
    readonly name: string,
    private readonly world: CompactionWorld,
    policy: Partial<CompactionPolicy> = {},
    place = { isShared: true, trims: true, kept: 2 },
  ) {
    const { time } = world;
    const call = <T>(work: () => T) => world.call(this, work);
    const store: SnapshotStore = {
      list: () => call(() => world.hidesAll ? [] : world.list()),
      delete: (id) =>
        call(() => {
          if (world.keepsAll) throw new SnapshotStoreError("it stays");
          const sequence = world.stored.get(id)?.info.sequence;
          if (world.stored.delete(id)) {
            world.done.push(`${name} deletes ${sequence}`);
          }
        }),
      verify: (id) => call(() => world.verify(id)),
      create: (info) => call(() => world.sink(this, info)),
      open: () => Promise.reject(new Error("nobody restores here")),
    };
    this.compactor = new Compactor({
      name: "the store",
      place,
      policy: { logBytes: 100, interval_ms: undefined, ...policy },
    }, {
      store,
      snapshot: () => world.stateAt(this.appliedSequence),
      locate: (sequence) =>
        call(() => ({
          firstSequence: world.firstSequence,
          lastSequence: world.lastSequence,
          time: sequence >= world.firstSequence &&
              sequence <= world.lastSequence && sequence > 0
            ? world.timeOf(sequence)
            : undefined,
        })),
      trim: (sequence) => call(() => world.trim(name, sequence)),
      situation: () => ({
        blocked: this.blocked,
        appliedSequence: this.appliedSequence,
        logBytesSince: (sequence) =>
          Math.max(0, this.appliedSequence - sequence),
        retention: NO_RETENTION,
        rank: this.rank,
        slowestSequence: this.slowestSequence,
        logId: LOG_ID,
      }),
      now: () => time.now,
      date: () => world.date(),
      pause: () => new Promise((resolve) => time.after(1, resolve)),
    });
    this.#tick();
  }

  get appliedSequence(): number {
    this.#applied = Math.max(
      this.#applied,
      this.world.lastSequence - this.lag,
    );
    return this.#applied;
  }

  #tick(): void {
    const { time, tick_ms } = this.world;
    time.after(tick_ms, () => {
      if (this.isDead) return;
      this.compactor.tick(time.now, true);
      this.#tick();
    });
  }
}
