/**
 * One run of the simulation: some replicas, a broker, bad weather and faults,
 * all from one seed, and what must be true at the end.
 *
 * @module
 */
import assert from "node:assert/strict";
import { toldIdentity } from "../../src/log/jetstream/log_identity.ts";
import { SUSPICION_MS } from "../../src/log/jetstream/suspicion.ts";
import { Storage } from "../../src/storage/storage.ts";
import { largeId } from "../support/memory.ts";
import { Random } from "../support/random.ts";
import { SimulatedBroker } from "../support/simulated_broker.ts";
import {
  SimulatedReplica,
  type Weather,
} from "../support/simulated_replica.ts";
import { SimulatedSnapshots } from "../support/simulated_snapshots.ts";
import { applyEntry } from "../support/simulated_stream.ts";
import { SimulatedTime } from "../support/simulated_time.ts";
import { countNames, type Seen } from "./seeds.ts";
import { checkNoneTwice, KINDS, SentSets } from "./sent_sets.ts";

const REPLICAS = 3;
const SETS = 40;
const STORM_MS = 6_000;
/**
 * Longer than a fault lasts, a request that is never answered, a recovery, and
 * the longest wait between two searches for a snapshot.
 */
const CALM_MS = 36_000;

/** Longer than a set takes when nothing is wrong, and its entry to all. */
const SETTLE_MS = 5_000;

/** How often replicas do what is due: in the storm, and after it. */
const STORM_TICK_MS = 100;
const CALM_TICK_MS = 500;

/** A run. */
export class Storm {
  readonly random: Random;
  readonly time = new SimulatedTime();
  readonly broker: SimulatedBroker;
  readonly weather: Weather;
  readonly snapshots: SimulatedSnapshots;
  readonly replicas: SimulatedReplica[];
  readonly #sets = new SentSets();
  readonly #faults: string[] = [];
  readonly #servers: number;
  #tick_ms = STORM_TICK_MS;
  #isBroken = false;
  /** Whether the stream may look like another log. */
  #mayLookLikeAnother = false;

  constructor(seed: number) {
    const random = this.random = new Random(seed);
    this.#servers = random.pick([1, 1, 3]);
    this.broker = new SimulatedBroker(this.#servers);
    this.weather = {
      drop: random.pick([0, 2, 15]),
      duplicate: random.below(20),
      refuse: random.below(10),
      forge: random.pick([0, 0, 20]),
      disconnect: random.below(3),
      full: random.pick([0, 2, 10]),
      // Now and then longer than a set may take.
      delay_ms: random.pick([5, 50, 300, 1_500]),
    };
    const snapshots = this.snapshots = new SimulatedSnapshots(
      this.broker,
      this.time,
      random,
    );
    this.replicas = snapshots.replicas = Array.from(
      { length: REPLICAS },
      (_, i) =>
        new SimulatedReplica(
          `r${i}`,
          this.broker,
          this.time,
          random,
          this.weather,
          snapshots,
          { tick_ms: () => this.#tick_ms },
        ),
    );
    this.#beat();
  }

  #beat(): void {
    this.time.after(500, () => {
      this.broker.beat();
      this.#beat();
    });
  }

  /**
   * Runs the storm and the calm after it, and checks what must be true.
   *
   * @returns Outcomes, faults and states, and how often each was seen.
   */
  async run(): Promise<Seen> {
    const { random, time } = this;
    for (let i = SETS; i > 0; i--) {
      time.after(
        random.below(STORM_MS),
        () => {
          const user_id = random.pick([
            `u${random.below(5)}`,
            // One that finds no room in a table that can't grow.
            largeId(`${random.below(20)}`),
          ]);
          const { replica } = random.pick(this.replicas);
          this.#sets.send(user_id, replica, random.pick(KINDS));
        },
      );
    }
    const mostlyCuts = random.below(4) === 0;
    for (let i = random.below(mostlyCuts ? 12 : 4); i > 0; i--) {
      const isCut = mostlyCuts && random.below(4) > 0;
      time.after(random.below(STORM_MS), () => this.#passingFault(isCut));
    }
    const breaks = random.below(3) === 0;
    if (breaks) {
      time.after(
        STORM_MS / 2 + random.below(STORM_MS / 2),
        () => this.#breakLog(),
      );
    }
    await time.runUntil(STORM_MS);
    Object.assign(this.weather, {
      drop: 0,
      duplicate: 0,
      refuse: 0,
      forge: 0,
      disconnect: 0,
      full: 0,
    });
    this.#tick_ms = CALM_TICK_MS;
    await time.runUntil(
      STORM_MS + CALM_MS +
        (this.#mayLookLikeAnother && this.#servers > 1 ? SUSPICION_MS : 0),
    );
    await this.#checkThatSetsCommit();
    this.#checkReplicas();
    this.#sets.check(this.broker.everStored.values());
    checkNoneTwice(this.broker.stream?.entries.values() ?? []);
    return countNames([
      ...this.#sets.outcomes,
      ...this.#faults,
      ...this.replicas.flatMap(({ views, rejoined, session }) => [
        ...views.filter(({ isStuck }) => isStuck).map(() => "stuck"),
        ...Array<string>(rejoined).fill("rejoined"),
        session.status.state,
      ]),
    ]);
  }

  /**
   * Nothing of the storm keeps a replica that says it can from committing. The
   * first set may show what it can't know before: that its consumer is paused.
   */
  async #checkThatSetsCommit(): Promise<void> {
    const { time, weather } = this;
    weather.delay_ms = 5;
    for (const round of ["first", "last"]) {
      await time.runUntil(time.now + SETTLE_MS);
      const asked = this.replicas.filter(({ replica }) => replica.writable);
      const sent = asked.map(({ replica }) => this.#sets.send("u0", replica));
      await time.runUntil(time.now + SETTLE_MS);
      const outcomes = sent.map(({ outcome }) => outcome);
      const areCommitted = outcomes.every((one) => one?.type === "committed");
      if (round === "last") assert.ok(areCommitted, JSON.stringify(outcomes));
    }
  }

  /** Something that is over after a while, and that no replica may mind for good. */
  #passingFault(isCut: boolean): void {
    const { broker, random, time } = this;
    const stream = broker.stream;
    const lasts_ms = random.below(4_000);
    const during = (begin: () => void, end: () => void) => {
      begin();
      time.after(lasts_ms, end);
    };
    const faults: Record<string, () => void> = {
      "broker restarts": () => this.#restart(lasts_ms),
      "credentials are refused": () => {
        during(() => broker.isOpen = false, () => broker.isOpen = true);
        this.random.pick(this.replicas).disconnect();
      },
      "no answers": () =>
        during(
          () => broker.isAnswering = false,
          () => broker.isAnswering = true,
        ),
      "nothing is stored": () =>
        during(() => broker.isStoring = false, () => broker.isStoring = true),
      "consumer deleted": () => {
        broker.consumers.delete(random.pick([...broker.consumers]));
      },
      "consumer silent": () => {
        const consumer = random.pick([...broker.consumers]);
        if (consumer !== undefined) consumer.isSilent = true;
      },
      "consumer paused": () => {
        const consumer = random.pick([...broker.consumers]);
        if (consumer !== undefined) consumer.isPaused = true;
      },
      "description lost": () => {
        if (stream === undefined) return;
        stream.config = { ...stream.config, description: "someone's" };
      },
      "put back late": () => {
        // A replica that starts meanwhile would make a new log.
        const isOpen = this.replicas.every(({ replica }) => replica.log);
        if (stream === undefined || this.#isBroken || !isOpen) return;
        this.#mayLookLikeAnother = true;
        broker.stream = undefined;
        this.#restart(lasts_ms / 4);
        time.after(lasts_ms, () => {
          if (broker.stream === undefined) broker.stream = stream;
          broker.consumers.clear();
        });
      },
      "restored from a backup": () => {
        if (stream === undefined || this.#isBroken) return;
        this.#mayLookLikeAnother = true;
        broker.stream = stream.copy(`${stream.created} restored`);
        this.#restart(lasts_ms / 4);
      },
      "limits": () => {
        // The last entry that each has applied stays.
        const applied = this.replicas.map(({ applied }) => applied.length);
        stream?.purge(Math.min(...applied, stream.last));
      },
      "cut behind snapshots": () => {
        // As the product does it: what is not behind the older one stays.
        this.snapshots.save(random.pick(this.replicas));
        time.after(lasts_ms / 2, () => {
          this.snapshots.save(random.pick(this.replicas));
          if (random.below(3) === 0) this.snapshots.damage();
          this.#cut(this.snapshots.oldestSequence);
        });
        random.pick(this.replicas).cutOff(lasts_ms);
      },
      "cut by hand": () => {
        // Beyond what one has applied, and maybe beyond what any has.
        random.pick(this.replicas).cutOff(lasts_ms);
        time.after(lasts_ms / 2, () => {
          const last = this.broker.stream?.last ?? 0;
          this.#cut(last - random.below(3));
        });
      },
      "cut and put back": () => {
        random.pick(this.replicas).cutOff(lasts_ms / 2);
        time.after(lasts_ms / 4, () => this.#cutForAWhile(lasts_ms));
      },
      "settings are wrong": () => {
        during(
          () => broker.isMisconfigured = true,
          () => broker.isMisconfigured = false,
        );
      },
      "a server is behind": () => {
        if (stream === undefined || this.#servers === 1 || this.#isBroken) {
          return;
        }
        const behind = stream.copy();
        behind.cut(Math.max(behind.first - 1, behind.last - 3));
        during(() => broker.behind = behind, () => broker.behind = undefined);
        for (const replica of this.replicas) replica.disconnect();
      },
    };
    const names = Object.keys(faults);
    const name = random.pick(
      isCut ? names.filter((one) => one.startsWith("cut")) : names,
    );
    this.#faults.push(name);
    faults[name]();
  }

  /** Takes the entries before a sequence, of a log that is whole otherwise. */
  #cut(first: number): void {
    if (this.#isBroken || first < 1) return;
    this.broker.stream?.purge(first);
  }

  /** Takes all entries but the last few, and puts them back. */
  #cutForAWhile(ms: number): void {
    const { stream } = this.broker;
    if (stream === undefined || this.#isBroken) return;
    const entries = new Map(stream.entries);
    const { first } = stream;
    this.#cut(stream.last - this.random.below(3));
    this.time.after(ms, () => {
      if (stream !== this.broker.stream || this.#isBroken) return;
      for (const [sequence, entry] of entries) {
        stream.entries.set(sequence, entry);
      }
      // Another cut may have been taken back meanwhile.
      stream.first = Math.min(stream.first, first);
    });
  }

  #restart(down_ms: number): void {
    const { broker, time } = this;
    broker.isUp = false;
    broker.consumers.clear();
    for (const replica of this.replicas) replica.disconnect();
    time.after(down_ms, () => broker.isUp = true);
  }

  /** Something that the log does not get over. */
  #breakLog(): void {
    const { broker, random } = this;
    const stream = broker.stream;
    if (stream === undefined) return;
    broker.behind = undefined;
    this.#isBroken = true;
    this.#mayLookLikeAnother = true;
    const faults: Record<string, () => void> = {
      "tail lost": () => {
        const saved = stream.copy();
        saved.cut(stream.first + random.below(stream.last + 1 - stream.first));
        broker.stream = saved;
        if (random.below(2) === 0) this.#strangersWrite();
      },
      "stream gone": () => broker.stream = undefined,
      "stream made anew": () => {
        broker.stream = undefined;
        broker.makeStream();
        if (random.below(2) === 0) this.#strangersWrite();
      },
      "entry deleted": () => {
        const sequence = 1 + random.below(stream.last + 1);
        stream.entries.delete(sequence);
      },
    };
    const name = random.pick(Object.keys(faults));
    this.#faults.push(name);
    faults[name]();
    this.#restart(random.below(1_000));
  }

  /** Others write where the lost entries were. */
  #strangersWrite(): void {
    for (let i = this.random.below(6); i > 0; i--) {
      this.broker.publish({
        messageId: `stranger ${i}`,
        subject: "usergrade.v1.set.stranger",
        payload: new TextEncoder().encode('[{"user_id":"s"}]'),
      }, this.time.now);
    }
  }

  #checkReplicas(): void {
    const { broker } = this;
    for (const one of this.replicas) {
      // Storage is what was applied, in order, whatever happened.
      const model = new Storage();
      const states = [{ users: 0, digest: model.digest }];
      for (const key of one.applied) {
        const entry = broker.everStored.get(key)!;
        applyEntry(model, entry);
        states.push({ users: model.size, digest: model.digest });
      }
      let before = 0;
      for (const { sequence, users, digest } of one.views) {
        assert.deepEqual({ users, digest }, states[sequence]);
        assert.ok(sequence >= before, `${one.name} went back to ${sequence}`);
        before = sequence;
      }
      if (one.failure !== undefined) throw one.failure;
      assert.equal(one.replica.digest, model.digest);
      assert.equal(one.replica.appliedSequence, one.applied.length);
      assert.equal(one.replica.sets.pending, 0);
      this.#checkState(one);
    }
  }

  #checkState(one: SimulatedReplica): void {
    const stream = this.broker.stream;
    const { applied, session } = one;
    const next = applied.length + 1;
    const where = `${one.name} at ${applied.length}: ${session.status.reason}`;
    const { id } = one.replica.log!;
    // Nothing proves which log it is.
    if (
      stream !== undefined && !stream.entries.has(applied.length) &&
      (toldIdentity(stream.config) === undefined || id.includes("@"))
    ) return;
    // One that came while the description had lost the id has none.
    const isOfThisLog = stream !== undefined &&
      (id.includes("@") || id === (toldIdentity(stream.config) ?? id));
    const common = Math.min(applied.length, stream?.last ?? 0);
    const isOther = stream?.entries.has(common) === true &&
      applied[common - 1] !== stream.history[common - 1];
    // Another log may have looked like this one while it did not tell its id.
    const mayBeForked = isOther && !isOfThisLog &&
      session.status.state === "forked";
    if (mayBeForked) return;
    if (isOther && isOfThisLog) {
      assert.equal(session.status.state, "forked", where);
    } else if (!isOfThisLog || common < applied.length) {
      assert.equal(session.status.state, "ahead_of_log", where);
    } else if (
      next <= stream.last &&
      // Directly before a cut nothing shows either that its entries are the log's.
      (!stream.entries.has(next) || stream.first === next && common > 0)
    ) {
      assert.equal(session.status.state, "away", where);
      assert.equal(session.status.missing, next, where);
      assert.match(
        one.replica.reason,
        /this replica needs .* no snapshot that includes entry/,
      );
      // It is there for want of a snapshot, and of nothing else.
      const wanted = { logId: id, entry: next };
      assert.deepEqual(this.snapshots.fitting(wanted, one), [], where);
    } else {
      assert.equal(session.status.state, "connected", where);
      assert.equal(applied.length, stream.last);
      assert.ok(one.replica.writable);
    }
  }
}
