/**
 * One run of the simulation of snapshots: some replicas that make them and cut
 * the log, faults while they do, all from one seed, and what must be true at any
 * time and at the end.
 *
 * @module
 */
import assert from "node:assert/strict";
import { UnavailableError } from "../../src/errors.ts";
import { DEAD_AFTER_MS } from "../../src/log/jetstream/object_sweep.ts";
import {
  type CompactionPolicy,
  KEPT_BESIDE_LOG,
} from "../../src/replica/compaction_facts.ts";
import type { SnapshotKeeper } from "../../src/snapshot_keeper.ts";
import { Random } from "../support/random.ts";
import { SimulatedBroker } from "../support/simulated_broker.ts";
import type { Weather } from "../support/simulated_replica.ts";
import {
  type ServiceWorld,
  SimulatedService,
} from "../support/simulated_service.ts";
import { countNames, type Seen } from "./seeds.ts";
import { ServiceStorm } from "./service_storm.ts";
import { checkNoneTwice, KINDS, numbersOf, SentSets } from "./sent_sets.ts";
import { snapshotFaults, STRANGER } from "./snapshot_faults.ts";
import { SnapshotPromises } from "./snapshot_promises.ts";

/** All replicas. */
export const NAMES: readonly string[] = ["r0", "r1", "r2"];
const SETS = 50;
const STORM_MS = 25_000;
/** How long a fault lasts at most; some last twice as long. */
const FAULT_MAX_MS = 15_000;
/** After how much log a snapshot is due: some six sets. */
const LOG_BYTES = 600;
/**
 * The most entries after the newest snapshot when all goes well: fewer than are
 * sent. How many are between the two that are kept depends on the storm.
 */
const ENTRIES_MAX = 40;
/** Longer than it takes to see that sets do not commit. */
const AFTERMATH_MS = 8_000;
/** Longer than a replica needs to come back, the longest wait included. */
const RETURN_MS = 700_000;
/** Longer than a store that may not be used, or has failed, is left alone. */
const SETTLE_MAX_MS = 900_000;
/** How often it is looked whether something is true by now. */
const LOOK_MS = 250;
/** How many sets are sent after the storm, one after the other. */
const CALM_SETS = 50;

/** The faults that keep a replica from what the others do. */
const AWAY = ["a replica dies", "a replica is stopped", "a replica is cut off"];

/** A run. */
export class SnapshotStorm extends ServiceStorm implements ServiceWorld {
  readonly weather: Weather;
  readonly policy: CompactionPolicy;
  readonly heartbeatsLost = 40;
  tick_ms = 500;
  readonly sets = new SentSets();
  readonly #steps: string[] = [];
  readonly promises: SnapshotPromises;
  hasPeers: boolean;
  /** Whether anyone may read what was not written so. */
  mayBeDamaged: boolean;
  /** Whether the log is cut often, and replicas are away meanwhile. */
  readonly #isFast: boolean;
  #lives = 0;
  /** Whether the log lost entries, acknowledged ones too. */
  #hasLostTail = false;
  /** How many snapshots of another log were stored: nobody takes them away. */
  strangers = 0;

  constructor(seed: number) {
    const random = new Random(seed);
    const isFast = random.below(4) === 0;
    super(random, new SimulatedBroker(random.pick([1, 1, 3])));
    this.#isFast = isFast;
    this.codec.corrupt = random.pick([0, 0, 0, 20]);
    this.mayBeDamaged = this.codec.corrupt > 0;
    this.weather = {
      drop: random.pick([0, 0, 1, 5]),
      duplicate: random.below(10),
      refuse: random.below(5),
      forge: 0,
      disconnect: random.pick([0, 0, 1]),
      full: random.pick([0, 0, 0, 1]),
      // Now and then so long that a snapshot takes several seconds.
      delay_ms: random.pick(this.#isFast ? [2, 20] : [2, 20, 100, 500]),
    };
    this.policy = {
      logBytes: LOG_BYTES,
      interval_ms: this.#isFast ? 1_000 : random.pick([undefined, 5_000]),
    };
    this.hasPeers = random.below(4) === 0;
    this.promises = new SnapshotPromises(
      this.broker,
      this.objects,
      this.time,
    );
    for (const name of NAMES) {
      this.time.after(random.below(3_000), () => this.start(name));
    }
    this.#beat();
  }

  #beat(): void {
    this.time.after(1_000, () => {
      this.broker.beat();
      for (const { keeper, name } of this.services) {
        const { problem = "" } = keeper.places.log;
        this.promises.mustHold(
          this.mayBeDamaged || !problem.startsWith("damaged"),
          () => `${name} finds ${problem}`,
        );
      }
      this.#beat();
    });
  }

  /** Starts a replica, unless it lives. */
  start(name: string): void {
    if (this.services.some((one) => one.name === name)) return;
    this.services.push(new SimulatedService(name, ++this.#lives, this));
  }

  dies(service: SimulatedService): void {
    this.kill(service, this.random.below(15_000));
  }

  /** Kills a replica, if its state can be had elsewhere. */
  kill(service: SimulatedService, down_ms: number): void {
    const at = this.services.indexOf(service);
    const first = this.broker.stream?.first ?? 1;
    const isSpare = this.services.some((one) =>
      one !== service && one.replica.replica.readable &&
      one.replica.applied.length + 1 >= first
    );
    if (at === -1 || !isSpare && !this.promises.isRestorable) return;
    this.#end(service);
    this.time.after(down_ms, () => this.start(service.name));
  }

  /** Kills all replicas at once, if there is something to start from. */
  killAll(down_ms: () => number): void {
    if (!this.promises.isRestorable) return;
    for (const service of [...this.services]) {
      this.#end(service);
      this.time.after(down_ms(), () => this.start(service.name));
    }
  }

  #end(service: SimulatedService): void {
    this.services.splice(this.services.indexOf(service), 1);
    service.kill();
    this.#checkLife(service);
  }

  /** The log has lost entries, acknowledged ones too. */
  loseTail(): void {
    this.#hasLostTail = true;
    this.promises.forget();
  }

  /** Takes note of what happened. */
  note(step: string): void {
    this.#steps.push(step);
  }

  trimming(sequence: number): void {
    this.note("trim");
    this.promises.trimming(sequence);
  }

  changed(): void {
    this.promises.changed();
  }

  /**
   * Runs all, and checks what must be true.
   *
   * @returns Outcomes of sets, faults and steps, and how often each was seen.
   */
  async run(): Promise<Seen> {
    const { random, time } = this;
    for (let i = 0; i < SETS; i++) {
      time.after(random.below(STORM_MS), () => this.#send());
    }
    for (let i = 0; i < 4; i++) {
      time.after(random.below(STORM_MS), () => this.#make());
    }
    const faults = snapshotFaults(this);
    const names = this.#isFast ? AWAY : Object.keys(faults);
    for (let i = random.below(8); i > 0; i--) {
      time.after(random.below(STORM_MS), () => {
        const name = random.pick(names);
        if (faults[name](random.below(FAULT_MAX_MS))) this.faults.push(name);
      });
    }
    await time.runUntil(STORM_MS);
    this.#calm();
    do {
      await this.#until(RETURN_MS, () => this.#areAllReady(), "all are ready");
      // What was refused may be found out only now.
      await time.runUntil(time.now + AFTERMATH_MS);
    } while (!this.#areAllReady());
    await this.#settle();
    await this.#startFromNothing();
    this.#check();
    return countNames([...this.sets.outcomes, ...this.faults, ...this.#steps]);
  }

  #send(): void {
    const able = this.services.filter(({ process }) => !process.isPaused);
    if (able.length === 0) return;
    const service = this.random.pick(able);
    const { random } = this;
    const user = `u${random.below(4)}`;
    this.sets.send(user, service.replica.replica, random.pick(KINDS));
  }

  /** An operator wants a snapshot. */
  #make(): void {
    if (this.services.length === 0) return;
    const { keeper, replica: { replica } } = this.random.pick(this.services);
    const from = replica.appliedSequence;
    const hadLostTail = this.#hasLostTail;
    keeper.make().then(({ sequence }) => {
      this.note("made");
      this.promises.mustHold(
        sequence >= from,
        () => `${sequence} was made at ${from}`,
      );
      this.promises.mustHold(
        sequence === 0 || this.#hasLostTail !== hadLostTail ||
          this.promises.snapshots.some(({ meta, isWhole }) =>
            meta.isVerified && (isWhole || this.mayBeDamaged) &&
            meta.info.sequence >= sequence
          ),
        () => `what was made at ${sequence} is not there`,
      );
    }, (error) => {
      this.note("not made");
      this.promises.mustHold(
        error instanceof UnavailableError,
        () => String(error),
      );
    });
  }

  /** Nothing goes wrong any more. */
  #calm(): void {
    const { stream } = this.broker;
    this.endFaults();
    this.codec.corrupt = 0;
    this.tick_ms = 2_000;
    if (stream !== undefined) {
      stream.config = { ...stream.config, max_msgs: -1 };
    }
  }

  async #until(
    most_ms: number,
    isTrue: () => boolean,
    what: string,
  ): Promise<void> {
    const end_ms = this.time.now + most_ms;
    while (!isTrue()) {
      this.promises.check();
      if (this.time.now >= end_ms) {
        assert.fail(`${what} is not true after ${most_ms} ms: ${this.#told}`);
      }
      await this.time.runUntil(this.time.now + LOOK_MS);
    }
  }

  get #told(): string {
    return JSON.stringify({
      services: this.services.map(({ name, replica, keeper }) => ({
        name,
        reason: replica.replica.reason,
        state: replica.replica.state,
        applied: replica.replica.appliedSequence,
        problem: keeper.places.log.problem,
        failure: replica.failure?.message,
      })),
      first: this.broker.stream?.first,
      last: this.broker.stream?.last,
      snapshots: this.promises.told,
      faults: this.faults,
    });
  }

  #areAllReady(): boolean {
    return this.services.length === NAMES.length &&
      this.services.every(({ process, replica: { replica } }) =>
        !process.isPaused && replica.writable &&
        replica.appliedSequence === this.broker.stream!.last
      );
  }

  /** Whether compaction has done its work: two are kept, and the log is cut. */
  #isCompacted(): boolean {
    const { verified } = this.promises;
    const { first } = this.broker.stream!;
    const older = verified.at(1)?.meta.info.sequence ?? 0;
    return verified.length === KEPT_BESIDE_LOG &&
      // A limit may have taken that one entry.
      first >= older && first <= older + 1 &&
      this.services.every(({ keeper }) => isWell(keeper) && !isBusy(keeper));
  }

  /** Sets go on, and snapshots are made as if nothing had been. */
  async #settle(): Promise<void> {
    // As many as were lost, so that no snapshot is beyond the log.
    const lost = this.#hasLostTail ? SETS : 0;
    for (let i = 0; i < lost + KEPT_BESIDE_LOG; i++) await this.#commitOne();
    await this.#until(
      SETTLE_MAX_MS,
      () => this.services.every(({ keeper }) => isWell(keeper)),
      "no compactor has a problem",
    );
    // So long that what uploads have left that died is swept.
    if (this.objects.orphans().length > 0) {
      await this.time.runUntil(this.time.now + DEAD_AFTER_MS + 1_000);
    }
    for (let i = 0; i < KEPT_BESIDE_LOG; i++) await this.#makeOne();
    await this.#until(
      SETTLE_MAX_MS,
      () => this.#isCompacted(),
      "the log is cut behind two snapshots",
    );
    assert.deepEqual(this.objects.orphans(), [], "no chunk is left over");
    for (let i = 0; i < CALM_SETS; i++) await this.#commitOne();
    await this.#until(
      60_000,
      () => {
        const newest = this.promises.verified.at(0)?.meta.info.sequence ?? 0;
        return this.#areAllReady() && this.#isCompacted() &&
          this.broker.stream!.last - newest < ENTRIES_MAX;
      },
      "the log does not grow",
    );
  }

  async #commitOne(): Promise<void> {
    const { random, time } = this;
    const { replica } = random.pick(this.services).replica;
    const kind = random.pick(KINDS);
    const sent = this.sets.send(`u${random.below(4)}`, replica, kind);
    await time.runUntil(time.now + 250);
    await this.#until(
      5_000,
      () => sent.outcome?.type === "committed",
      `set ${sent.number} is ${sent.outcome?.type}, and not committed`,
    );
  }

  async #makeOne(): Promise<void> {
    const made = this.random.pick(this.services).keeper.make();
    let sequence: number | undefined;
    let failure: Error | undefined;
    made.then((one) => sequence = one.sequence, (error) => failure = error);
    await this.#until(20_000, () => {
      if (failure !== undefined) throw failure;
      return sequence === this.broker.stream!.last;
    }, "a snapshot is made");
  }

  /** All replicas end at once; there is nothing but the bucket and the log. */
  async #startFromNothing(): Promise<void> {
    this.hasPeers = false;
    const kept = this.promises.snapshots;
    if (this.random.below(2) === 0 && kept.every(({ isWhole }) => isWhole)) {
      this.mayBeDamaged = true;
      const below = (n: number) => this.random.below(n);
      this.objects.damage(this.random.pick(kept).meta, below);
    }
    assert.ok(this.promises.isRestorable, "there is something to start from");
    for (const service of [...this.services]) this.#end(service);
    for (const name of NAMES) this.start(name);
    await this.#until(
      RETURN_MS,
      () => this.#areAllReady(),
      "all are ready again",
    );
  }

  #check(): void {
    this.promises.check();
    const stream = this.broker.stream!;
    const last = stream.history.at(-1);
    const { digest } = this.states.after(last);
    for (const service of this.services) {
      assert.deepEqual(service.replica.applied, stream.history);
      assert.equal(service.replica.replica.digest, digest);
      this.#checkLife(service);
    }
    const strangers = this.objects.snapshots()
      .filter(({ meta }) => meta.info.logId === STRANGER);
    assert.equal(strangers.length, this.strangers);
    // Those of replicas that were killed have no end.
    this.sets.check(this.broker.everStored.values(), () => true);
    checkNoneTwice(
      stream.history.map((key) => this.broker.everStored.get(key)!),
    );
    if (this.#hasLostTail) return;
    for (const { number, outcome } of this.sets.all) {
      if (outcome?.type !== "committed") continue;
      const entry = this.broker.everStored
        .get(stream.history[outcome.sequence - 1])!;
      assert.ok(numbersOf(entry).includes(number), `set ${number} is lost`);
    }
  }

  /** What a replica has shown is the log, applied in order. */
  #checkLife({ name, replica }: SimulatedService): void {
    if (replica.failure !== undefined) throw replica.failure;
    let before = 0;
    for (const { sequence, users, digest } of replica.views) {
      const state = this.states.after(replica.applied[sequence - 1]);
      if (
        state.digest !== digest || state.users !== users || sequence < before
      ) {
        assert.fail(
          `${name} at ${sequence}, after ${before}: ${users} users, ${digest}, and should have ${state.users}, ${state.digest}`,
        );
      }
      before = sequence;
    }
    if (replica.rejoined > 0) this.note("rejoin");
  }
}

function isBusy({ places }: SnapshotKeeper): boolean {
  return places.log.isBusy;
}

function isWell({ places }: SnapshotKeeper): boolean {
  return places.log.problem === undefined;
}
