/**
 * One run of the simulation of healing: some replicas, a broker that loses what
 * it had, faults beside it, all from one seed, and what must be true at any time
 * and at the end.
 *
 * @module
 */
import type { CompactionPolicy } from "../../src/replica/compaction_facts.ts";
import { Random } from "../support/random.ts";
import { SimulatedBroker } from "../support/simulated_broker.ts";
import { NO_BUCKET } from "../support/simulated_objects.ts";
import type { Weather } from "../support/simulated_replica.ts";
import {
  type ServiceWorld,
  SimulatedService,
} from "../support/simulated_service.ts";
import { HealClients } from "./heal_clients.ts";
import { HealEnd } from "./heal_end.ts";
import { HealLosses } from "./heal_losses.ts";
import { HealPlan } from "./heal_plan.ts";
import { HealPromises, type HealWorld } from "./heal_promises.ts";
import { countNames, type Seen } from "./seeds.ts";
import { ServiceStorm } from "./service_storm.ts";

/** How long a fault lasts at most; some last longer. */
export const FAULT_MAX_MS = 8_000;
/** How long the broker is down at most. */
const DOWN_MAX_MS = 2_000;
/** How long replicas wait for a fuller one, in this run. */
const HEAL_AFTER_MS = 2_000;

/** A run. */
export class HealStorm extends ServiceStorm implements ServiceWorld, HealWorld {
  readonly weather: Weather;
  readonly policy: CompactionPolicy;
  readonly heartbeatsLost: number;
  /** 0 if no replica heals the log. */
  readonly healAfter_ms: number;
  tick_ms = 250;
  readonly keep_ms = 1_000;
  readonly names: readonly string[];
  readonly #lives = new Map<string, SimulatedService>();
  readonly promises: HealPromises;
  readonly clients: HealClients;
  readonly hasPeers: boolean;
  /** What the broker may lose. */
  readonly losses: HealLosses;
  lossCount = 0;
  firstLoss_ms = Infinity;
  /** Since when a server is behind, or was last. */
  behindSince_ms = 0;
  /** The first sequence of the log as it was emptied last; 0 before. */
  emptiedTo = 0;
  #started = 0;
  readonly #areClientsEager: boolean;
  /** Whether nobody has what the next fence says. */
  #losesFenced: boolean;

  constructor(seed: number) {
    const random = new Random(seed);
    const names = ["r0", "r1", "r2", "r3"].slice(0, random.pick([2, 3, 3, 4]));
    super(random, new SimulatedBroker(random.pick([1, 1, 3])));
    this.names = names;
    this.weather = {
      drop: random.pick([0, 0, 0, 2]),
      duplicate: random.pick([0, 5]),
      refuse: random.pick([0, 0, 5]),
      forge: 0,
      disconnect: 0,
      full: 0,
      delay_ms: random.pick([2, 20, 50]),
    };
    this.policy = {
      logBytes: random.pick([1_000_000, 1_000_000, 600]),
      interval_ms: random.pick([undefined, undefined, 5_000]),
    };
    this.healAfter_ms = random.below(20) === 0 ? 0 : HEAL_AFTER_MS;
    this.heartbeatsLost = random.pick([0, 0, 20]);
    this.hasPeers = random.below(2) === 0;
    this.#areClientsEager = random.below(2) === 0;
    this.#losesFenced = random.below(30) === 0;
    this.promises = new HealPromises(this);
    this.clients = new HealClients(random, this.promises);
    this.losses = new HealLosses(this.broker, this.objects, random);
    for (const name of this.names.slice(0, 3)) {
      this.time.after(random.below(1_000), () => this.start(name));
    }
    this.#beat();
  }

  #beat(): void {
    this.time.after(1_000, () => {
      this.broker.beat();
      this.#beat();
    });
  }

  lifeOf(name: string): SimulatedService {
    return this.#lives.get(name)!;
  }

  /** Starts a replica, unless it lives. */
  start(name: string): void {
    if (this.services.some((one) => one.name === name)) return;
    const service = new SimulatedService(name, ++this.#started, this);
    // What keeps a replica from the others outlasts its process.
    service.isAwayUntil(this.#lives.get(name)?.awayUntil_ms ?? 0);
    this.services.push(service);
    this.#lives.set(name, service);
  }

  dies(service: SimulatedService): void {
    this.kill(service, this.random.below(FAULT_MAX_MS));
  }

  /** @returns Whether a replica was killed: not the last that has a state. */
  kill(service: SimulatedService | undefined, down_ms: number): boolean {
    const isSpare = this.services.some((one) =>
      one !== service && one.replica.replica.readable
    );
    if (service === undefined || !isSpare) return false;
    this.end(service);
    this.time.after(down_ms, () => this.start(service.name));
    return true;
  }

  /** Ends a replica, and whatever it alone has had. */
  end(service: SimulatedService): void {
    const at = this.services.indexOf(service);
    if (at === -1) return;
    this.services.splice(at, 1);
    service.kill();
    this.checkLife(service);
    this.promises.ledger.settle();
  }

  trimming(sequence: number): void {
    this.promises.trimming(sequence);
  }

  fencing(replica: string, data: string): void {
    this.promises.fencing(replica, data);
    const { last } = this.broker.stream!;
    const { healed_to } = JSON.parse(data);
    if (!this.#losesFenced || healed_to === last) return;
    this.#losesFenced = false;
    this.time.after(0, () => this.#loseFenced(healed_to));
  }

  /** The log is to go on from a state that nobody has any more. */
  #loseFenced(sequence: number): void {
    this.faults.push("what a fence says is lost");
    this.restart(DOWN_MAX_MS, () => this.objects.putBack(NO_BUCKET));
    for (const service of [...this.services]) {
      if (service.replica.applied.length >= sequence) {
        this.kill(service, DOWN_MAX_MS);
      }
    }
    this.promises.ledger.settle();
  }

  changed(): void {}

  /** Clients that wait for a replica set as soon as it lets them. */
  statusChanged(service: SimulatedService): void {
    if (this.#areClientsEager && service.replica.replica.writable) {
      this.clients.set(service);
    }
  }

  making(service: SimulatedService): void {
    this.promises.making(service);
  }

  restored(
    service: SimulatedService,
    before: readonly string[],
    after: readonly string[],
  ): void {
    this.promises.restored(service, before, after);
  }

  /**
   * The broker loses something, if a replica has a state.
   *
   * @param name What; anything if left out.
   */
  lose(name?: string): void {
    // Else there may be nothing to start from.
    if (!this.services.some(({ replica }) => replica.replica.readable)) return;
    const { random } = this;
    const losses = this.losses.all;
    const what = name ?? random.pick(Object.keys(losses));
    this.faults.push(what);
    this.#noteLoss();
    this.restart(100 + random.below(DOWN_MAX_MS), () => {
      losses[what]();
      this.#endAhead();
    });
    this.promises.ledger.settle();
  }

  /**
   * No server has what all have lost. One that was behind and would be ahead now
   * leads nobody any more, and has no answers.
   */
  #endAhead(): void {
    const { broker, broker: { behind, stream } } = this;
    if (behind !== undefined && behind.changes > (stream?.changes ?? 0)) {
      broker.behind = undefined;
    }
  }

  /** Someone removes the stream while the replicas run. */
  removeStream(): void {
    const { broker } = this;
    broker.stream = undefined;
    broker.consumers.clear();
    this.#noteLoss();
    this.promises.ledger.settle();
  }

  /**
   * A server that is behind may have looked for as long as if that were lost
   * already: nothing shows a replica that it is lost only now.
   */
  #noteLoss(): void {
    const { time, broker: { behind, stream } } = this;
    const isShort = stream !== undefined && behind !== undefined &&
      behind.last < stream.last;
    this.lossCount++;
    this.firstLoss_ms = Math.min(
      this.firstLoss_ms,
      isShort ? this.behindSince_ms : time.now,
    );
  }

  /**
   * Runs all, and checks what must be true.
   *
   * @returns Outcomes of sets, faults and steps, and how often each was seen.
   */
  async run(): Promise<Seen> {
    const end_ms = new HealPlan(this).begin();
    await this.time.runUntil(end_ms);
    this.promises.check();
    this.endFaults();
    this.tick_ms = 500;
    await new HealEnd(this).run();
    const { outcomes } = this.clients.sets;
    const { counts } = this.promises.ledger;
    return new Map([
      ...countNames([...outcomes, ...this.faults, ...this.promises.seen]),
      ["gets", this.clients.gets],
      ["acknowledged", counts.acknowledged],
      ["lost by all", counts.lost],
    ]);
  }

  /** What a replica has shown is one history, applied in order. */
  checkLife(service: SimulatedService): void {
    const { name, replica } = service;
    if (replica.failure !== undefined) throw replica.failure;
    this.promises.checkLife(service);
    let before = 0;
    for (const { sequence, key, users, digest } of replica.views) {
      // It may have left a mark of another history, which is no set.
      const state = this.states.after(
        this.promises.isMark(key) ? key : replica.applied[sequence - 1],
      );
      this.promises.mustHold(
        state.digest === digest && state.users === users && sequence >= before,
        () =>
          `${name} at ${sequence}, after ${before}, has ${digest} and should have ${state.digest}`,
      );
      before = sequence;
    }
  }
}
