/**
 * Clients that set and get all the time, and hold replicas to what these have
 * acknowledged.
 *
 * @module
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "./eventually.ts";
import type { ServiceProcess } from "./service_process.ts";

/** How many clients each replica has that set. */
const SETTERS = 4;

/** How long a client waits when its replica does not take a request. */
const BACK_OFF_MS = 50;

/** How long a client waits for an answer. */
const ANSWER_MAX_MS = 20_000;

/** How a user was last set. */
interface Acknowledged {
  readonly spp: number;
  readonly sequence: number;
  readonly asked_ms: number;
}

/** Some clients for each replica, each with a user of its own. */
export class SteadyClients {
  /** The last set of each user that was acknowledged. */
  readonly acknowledged = new Map<string, Acknowledged>();
  /** What must not be. */
  readonly problems: string[] = [];
  /** How many sets were acknowledged, and how many were not. */
  sets = 0;
  failures = 0;
  /** How many gets were answered. */
  gets = 0;
  #highest = 0;
  /** Each set has a greater one than those before. */
  #lastSpp = 0;
  #isStopped = false;
  #working: Promise<unknown> = Promise.resolve();

  /** @param replicas They all live on while clients are not stopped. */
  constructor(private readonly replicas: readonly ServiceProcess[]) {
    this.#work();
  }

  #work(): void {
    this.#working = Promise.all(this.replicas.flatMap((replica, index) => [
      ...Array.from(
        { length: SETTERS },
        (_, i) => this.#keepSetting(`user ${index}-${i}`, replica),
      ),
      this.#keepGetting(`user ${index}-0`, replica, index),
    ]));
    // The test fails by its own error, if it does first.
    this.#working.catch(() => {});
  }

  /** Sequences never go back: not from one replica to the next either. */
  async #keepSetting(user_id: string, replica: ServiceProcess): Promise<void> {
    while (!this.#isStopped) {
      const spp = ++this.#lastSpp;
      const known = this.#highest;
      const asked_ms = performance.now();
      const response = await replica.set({ user_id, spp }, {
        signal: AbortSignal.timeout(ANSWER_MAX_MS),
      });
      const text = await response.text();
      if (response.status === 200) {
        const sequence = Number(response.headers.get("log-sequence"));
        if (sequence <= known) {
          this.problems.push(
            `a set was acknowledged as entry ${sequence} after entry ${known}`,
          );
        }
        this.#highest = Math.max(this.#highest, sequence);
        this.acknowledged.set(user_id, { spp, sequence, asked_ms });
        this.sets++;
        continue;
      }
      this.failures++;
      if (response.status !== 503 && response.status !== 504) {
        this.problems.push(`a set got ${response.status}: ${text}`);
      }
      await sleep(BACK_OFF_MS);
    }
  }

  /** Whatever happens to the broker, a replica answers gets, and never goes back. */
  async #keepGetting(
    userId: string,
    replica: ServiceProcess,
    index: number,
  ): Promise<void> {
    let before = 0;
    while (!this.#isStopped) {
      const known = this.acknowledged.get(userId)?.spp ?? 0;
      const response = await replica.get(
        `/get?user_id=${encodeURIComponent(userId)}`,
      );
      const { spp, detail } = await response.json();
      const isNew = response.status === 404 && known + before === 0;
      if (
        !isNew && !(response.status === 200 && spp >= known && spp >= before)
      ) {
        this.problems.push(
          `replica ${index} answered ${response.status} ${detail} with ${spp}, after ${before}, where ${known} was acknowledged`,
        );
      }
      before = Math.max(before, spp ?? 0);
      this.gets++;
      await sleep(BACK_OFF_MS);
    }
  }

  /**
   * Waits until a set of each client, sent from now on, is acknowledged.
   *
   * @returns How many milliseconds that took.
   */
  async back(patience_ms = 60_000): Promise<number> {
    const now_ms = performance.now();
    return await eventually(() => {
      const asked = [...this.acknowledged.values()].map((one) => one.asked_ms);
      assert.equal(asked.length, SETTERS * this.replicas.length);
      const oldest_ms = Math.min(...asked);
      assert.ok(oldest_ms > now_ms, "sets don't come back");
      return performance.now() - now_ms;
    }, patience_ms);
  }

  /** Sends nothing more, and waits for the answers. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#working;
    assert.deepEqual(this.problems.slice(0, 5), []);
  }

  /** Sends again. */
  resume(): void {
    this.#isStopped = false;
    this.#work();
  }

  /** Checks that replicas have all that was acknowledged. */
  async check(replicas: readonly ServiceProcess[]): Promise<void> {
    for (const replica of replicas) {
      for (const [user, { spp, sequence }] of this.acknowledged) {
        const response = await replica.get(
          `/get?user_id=${
            encodeURIComponent(user)
          }&min_sequence=${this.#highest}`,
        );
        const body = await response.json();
        assert.equal(response.status, 200, JSON.stringify(body));
        // The last set of each client may be one of unknown outcome.
        assert.ok(
          body.spp >= spp,
          `${user} is ${body.spp}, and entry ${sequence} said ${spp}`,
        );
      }
    }
  }
}
