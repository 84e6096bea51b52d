/**
 * Clients that set and get all the time and record what they were told.
 *
 * @module
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import type { Random } from "../support/random.ts";
import type { ServiceProcess } from "../support/service_process.ts";
import { randomPatch } from "../support/random_patch.ts";
import {
  type History,
  type MarkedPatch,
  MARKER,
  type SetOutcome,
} from "./history.ts";
import type { ReplicaSlot } from "./replica_slot.ts";

/** The users that all clients fight over. */
export const USERS: readonly string[] = Array.from(
  { length: 40 },
  (_, i) => `user ${i}`,
);

/** How many users are set at once, how often, and how long their ids are. */
const FILL_CLIENTS = 50;
const FILL_SETS = 20;
const FILL_ID_CHARACTERS = 200;

/**
 * The longest time between the beginnings of two requests of a client: so long
 * that the processes under test are not short of CPU. An answer that takes
 * longer is followed by the next request at once.
 */
const INTERVAL_MAX_MS = 60;

/** How long a client waits when a replica does not take its request. */
const BACK_OFF_MS = 50;

/** How long a client waits for an answer: longer than any pause of a process. */
const ANSWER_MAX_MS = 20_000;

/** All clients of a run. */
export class Clients {
  readonly history: History = { sets: [], gets: [], snapshots: [] };
  #lastMarker = 0;
  #stopped = false;
  /** How many sets have no answer yet. */
  #underWay = 0;
  /** While clients rest: when they go on. */
  #resting: Promise<void> | undefined;

  /** @param onSurprise Told of an answer that no fault explains. */
  constructor(private readonly onSurprise: (what: string) => void) {}

  /** Sets many users with long ids, so that a snapshot has several chunks. */
  async fill(slot: ReplicaSlot, random: Random): Promise<void> {
    const fillOne = async () => {
      for (let i = 0; i < FILL_SETS; i++) {
        const id = Array.from(
          { length: FILL_ID_CHARACTERS },
          () => random.below(36).toString(36),
        ).join("");
        await this.set(slot, random, id);
      }
    };
    await Promise.all(Array.from({ length: FILL_CLIENTS }, fillOne));
  }

  /** Lets no client set while something is done. */
  async rest(act: () => Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resting = promise;
    try {
      await eventually(
        () => assert.equal(this.#underWay, 0, "sets have no answer"),
        ANSWER_MAX_MS,
      );
      await act();
    } finally {
      this.#resting = undefined;
      resolve();
    }
  }

  /**
   * Lets a client set at random, on one replica, until `stop`.
   *
   * @param slot The replica.
   * @param random Chooses users and values.
   */
  async keepSetting(slot: ReplicaSlot, random: Random): Promise<void> {
    for (;;) {
      await this.#resting;
      if (this.#stopped) return;
      const next_ms = performance.now() + random.below(INTERVAL_MAX_MS);
      const outcome = await this.set(slot, random);
      await sleep(
        outcome?.type === "acknowledged"
          ? Math.max(0, next_ms - performance.now())
          : BACK_OFF_MS,
      );
    }
  }

  /**
   * Sends one set.
   *
   * @param user Whom it is for.
   * @returns How it ended; undefined if no replica is there.
   */
  async set(
    slot: ReplicaSlot,
    random: Random,
    user = random.pick(USERS),
  ): Promise<SetOutcome | undefined> {
    const { service } = slot;
    if (service === undefined) return undefined;
    this.#underWay++;
    try {
      return await this.#send(slot, service, random, user);
    } finally {
      this.#underWay--;
    }
  }

  async #send(
    slot: ReplicaSlot,
    service: ServiceProcess,
    random: Random,
    user: string,
  ): Promise<SetOutcome> {
    const patch: MarkedPatch = {
      ...randomPatch(random, user),
      [MARKER]: ++this.#lastMarker,
    };
    const asked_ms = performance.now();
    let outcome: SetOutcome = { type: "unknown" };
    try {
      const response = await service.set(patch, {
        signal: AbortSignal.timeout(ANSWER_MAX_MS),
      });
      outcome = await this.#outcomeOf(response);
    } catch {
      // The connection broke, or never was: nobody can say.
    }
    this.history.sets.push({
      replica: slot.index,
      patch,
      asked_ms,
      answered_ms: performance.now(),
      outcome,
    });
    return outcome;
  }

  async #outcomeOf(response: Response): Promise<SetOutcome> {
    const body = await response.json();
    switch (response.status) {
      case 200:
        return {
          type: "acknowledged",
          sequence: Number(response.headers.get("log-sequence")),
          grade: body,
        };
      case 503:
        return { type: "refused" };
      case 504:
        break;
      default:
        this.onSurprise(`a set got ${response.status}: ${body.detail}`);
    }
    return { type: "unknown" };
  }

  /** Lets a client get at random, from one replica, until `stop`. */
  async keepGetting(slot: ReplicaSlot, random: Random): Promise<void> {
    while (!this.#stopped) {
      const next_ms = performance.now() + random.below(INTERVAL_MAX_MS);
      const answered = await this.#get(slot, random.pick(USERS));
      await sleep(
        answered ? Math.max(0, next_ms - performance.now()) : BACK_OFF_MS,
      );
    }
  }

  /** @returns Whether the replica was ready to answer. */
  async #get(slot: ReplicaSlot, user: string): Promise<boolean> {
    const { service } = slot;
    if (service === undefined) return false;
    const asked_ms = performance.now();
    let response: Response;
    let body;
    try {
      response = await service.get(
        `/get?user_id=${encodeURIComponent(user)}&min_sequence=0`,
        { signal: AbortSignal.timeout(ANSWER_MAX_MS) },
      );
      body = await response.json();
    } catch {
      return false;
    }
    const { status, headers } = response;
    if (status !== 200 && status !== 404) {
      if (status !== 503) this.onSurprise(`a get got ${status}`);
      return false;
    }
    this.history.gets.push({
      replica: slot.index,
      user,
      asked_ms,
      answered_ms: performance.now(),
      found: status === 404
        ? undefined
        : { sequence: Number(headers.get("log-sequence")), grade: body },
    });
    return true;
  }

  /** Lets no client send anything more. */
  stop(): void {
    this.#stopped = true;
  }
}
