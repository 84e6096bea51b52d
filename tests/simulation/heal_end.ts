/**
 * The end of one run of the simulation of healing: nothing goes wrong any more,
 * all comes back by itself, and no acknowledged set is missing.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { SimulatedService } from "../support/simulated_service.ts";
import { HealOperator } from "./heal_operator.ts";
import type { HealStorm } from "./heal_storm.ts";
import { checkNoneTwice } from "./sent_sets.ts";

/**
 * Longer than it takes to hear or give up all others, to wait, to heal, and to
 * find a snapshot again: a replica that was forbidden to store one tries that
 * anew after five minutes, and another one begins a minute later.
 */
const RETURN_MS = 420_000;
/** How often an operator has to act at most. */
const OPERATIONS_MAX = 4;
/** How many sets are sent after the storm, one after the other. */
const SETS = 4;
/** How often one of them is tried. */
const TRIES = 4;
/** Longer than it would take to heal a log. */
const UNHEALED_MS = 15_000;
/** How often it is looked whether something is true by now. */
const LOOK_MS = 200;

/** Ends one run. */
export class HealEnd {
  readonly #operator: HealOperator;

  constructor(private readonly storm: HealStorm) {
    this.#operator = new HealOperator(storm);
  }

  /** @throws {Error} If anything that must be true is not. */
  async run(): Promise<void> {
    if (this.storm.healAfter_ms === 0) return await this.#isNotHealed();
    for (let i = 0; i < SETS; i++) {
      if (!await this.#commitOne()) return this.#checkLives("beyond repair");
    }
    await this.#until(
      () => this.#areAllReady() && this.#areEqual(),
      "all are ready and equal at last",
    );
    this.#check();
  }

  /** @returns Whether all are ready again; else no replica has anything. */
  async #bringBack(): Promise<boolean> {
    for (let operations = 0; operations <= OPERATIONS_MAX; operations++) {
      await this.#until(
        () => this.#isSettled() || this.#operator.isBeyondRepair,
        "all are ready, or an operator has to act",
      );
      if (this.#operator.areTwoHistories) await this.#operator.choose();
      else if (this.#operator.isBeyondRepair) {
        if (!this.#operator.canStreamBeRemoved) return false;
        await this.#operator.removeStream();
      } else if (this.#areAllReady()) return true;
      else await this.#operator.restart();
    }
    assert.fail(`an operator can't bring all back: ${this.#told}`);
  }

  /** All stays as it is, and nobody answers what is not true. */
  async #isNotHealed(): Promise<void> {
    const { time } = this.storm;
    await time.runUntil(time.now + UNHEALED_MS);
    this.#checkLives("not healed");
  }

  #checkLives(seen: string): void {
    const { promises, services } = this.storm;
    promises.seen.push(seen);
    for (const service of services) {
      this.storm.checkLife(service);
      if (service.replica.replica.isForked) promises.checkFork(service);
    }
    promises.check();
  }

  async #until(isTrue: () => boolean, what: string): Promise<void> {
    const { time, promises } = this.storm;
    const end_ms = time.now + RETURN_MS;
    while (!isTrue()) {
      promises.check();
      if (time.now >= end_ms) {
        assert.fail(`${what} is not true after ${RETURN_MS} ms: ${this.#told}`);
      }
      await time.runUntil(time.now + LOOK_MS);
    }
    promises.check();
  }

  get #told(): string {
    const { services, broker: { stream }, faults } = this.storm;
    return JSON.stringify({
      services: services.map(({ name, replica, process }) => ({
        name,
        state: replica.replica.state,
        applied: replica.replica.appliedSequence,
        reason: replica.replica.reason,
        failure: replica.failure?.message,
        isPaused: process.isPaused,
      })),
      first: stream?.first,
      last: stream?.last,
      faults,
    });
  }

  /**
   * All take sets and have all of the log, but those that only an operator can
   * bring back, and those that are held back by them.
   */
  #isSettled(): boolean {
    const { services } = this.storm;
    const isOneLost = services.some((one) => this.#operator.isLost(one));
    return this.#areThere &&
      services.every((one) =>
        this.#isReady(one) || this.#operator.isLost(one) ||
        isOneLost && one.replica.replica.isHeld
      );
  }

  #areAllReady(): boolean {
    return this.#areThere &&
      this.storm.services.every((one) => this.#isReady(one));
  }

  #areEqual(): boolean {
    return this.storm.services.every(({ cluster }) => !cluster.diverged);
  }

  get #areThere(): boolean {
    const { services, names } = this.storm;
    return services.length >= Math.min(3, names.length) &&
      services.every(({ process }) => !process.isPaused);
  }

  #isReady({ replica: { replica } }: SimulatedService): boolean {
    return replica.writable &&
      replica.appliedSequence === this.storm.broker.stream?.last;
  }

  /**
   * The first one may show what could not be known before: a replica that was
   * stopped looks as it did until it meets the log again.
   *
   * @returns Whether a set has committed; else no replica has anything.
   */
  async #commitOne(): Promise<boolean> {
    const { clients, random, services } = this.storm;
    for (let tries = 1;; tries++) {
      if (!await this.#bringBack()) return false;
      const sent = clients.set(random.pick(services));
      await this.#until(
        () => sent.outcome !== undefined,
        `set ${sent.number} has an end`,
      );
      if (sent.outcome!.type === "committed") return true;
      assert.ok(tries < TRIES, this.#told);
    }
  }

  #check(): void {
    const { storm, storm: { broker, promises, clients } } = this;
    const { history } = broker.stream!;
    const { digest } = storm.states.after(history.at(-1));
    for (const service of storm.services) {
      assert.deepEqual(service.replica.applied, history);
      assert.equal(service.replica.replica.digest, digest);
      storm.checkLife(service);
    }
    assert.deepEqual(promises.ledger.missingFrom(history), []);
    promises.check();
    const { everStored } = broker;
    clients.sets.check(everStored.values(), () => true);
    checkNoneTwice(history.map((key) => everStored.get(key)!));
  }
}
