/**
 * Clients that set, delete and get all the time and record what they were told.
 *
 * @module
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { ChangeOutcome } from "../../src/user_grade.ts";
import { eventually } from "../support/eventually.ts";
import type { Random } from "../support/random.ts";
import type { ServiceProcess } from "../support/service_process.ts";
import { randomPatch } from "../support/random_patch.ts";
import { deletionBody } from "./deletion_marks.ts";
import {
  type ChangeRecord,
  type History,
  MARKER,
  type Outcome,
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
const INTERVAL_MAX_MS = 100;

/** Of so many changes one is a deletion. */
const CHANGES_PER_DELETION = 6;

/** How long a client waits when a replica does not take its request. */
const BACK_OFF_MS = 50;

/** How long a client waits for an answer: longer than any pause of a process. */
const ANSWER_MAX_MS = 20_000;

/** Sends a request. */
type Send = (service: ServiceProcess, init: RequestInit) => Promise<Response>;

/** Reads what a change left in its answer. */
// deno-lint-ignore no-explicit-any -- held against the log afterwards
type ReadLeft = (body: any) => ChangeOutcome;

/** All clients of a run. */
export class Clients {
  readonly history: History = {
    changes: [],
    gets: [],
    snapshots: [],
    watches: [],
  };
  #lastMarker = 0;
  #stopped = false;
  /** How many changes have no answer yet. */
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

  /** Lets no client change anything while something is done. */
  async rest(act: () => Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resting = promise;
    try {
      await eventually(
        () => assert.equal(this.#underWay, 0, "changes have no answer"),
        ANSWER_MAX_MS,
      );
      await act();
    } finally {
      this.#resting = undefined;
      resolve();
    }
  }

  /**
   * Lets a client set and delete at random, on one replica, until `stop`.
   *
   * @param slot The replica.
   * @param random Chooses users and values.
   */
  async keepChanging(slot: ReplicaSlot, random: Random): Promise<void> {
    for (;;) {
      await this.#resting;
      if (this.#stopped) return;
      const next_ms = performance.now() + random.below(INTERVAL_MAX_MS);
      const outcome = random.below(CHANGES_PER_DELETION) === 0
        ? await this.#delete(slot, random.pick(USERS))
        : await this.set(slot, random);
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
  ): Promise<Outcome | undefined> {
    const change = {
      ...randomPatch(random, user),
      [MARKER]: ++this.#lastMarker,
    };
    return await this.#change(
      slot,
      change,
      (service, init) => service.set(change, init),
      (grade) => grade,
    );
  }

  async #delete(
    slot: ReplicaSlot,
    user_id: string,
  ): Promise<Outcome | undefined> {
    const deleted = true as const;
    const change = { user_id, deleted, [MARKER]: ++this.#lastMarker };
    return await this.#change(
      slot,
      change,
      (service, init) => service.delete(deletionBody(change), init),
      ([{ existed }, mark]) => {
        if (mark.existed) this.onSurprise(`${mark.user_id} existed`);
        return { user_id, deleted, existed };
      },
    );
  }

  async #change(
    slot: ReplicaSlot,
    change: ChangeRecord["change"],
    send: Send,
    readLeft: ReadLeft,
  ): Promise<Outcome | undefined> {
    const { service } = slot;
    if (service === undefined) return undefined;
    this.#underWay++;
    const asked_ms = performance.now();
    let outcome: Outcome = { type: "unknown" };
    try {
      const signal = AbortSignal.timeout(ANSWER_MAX_MS);
      outcome = await this.#outcomeOf(
        await send(service, { signal }),
        readLeft,
      );
    } catch {
      // The connection broke, or never was: the outcome is unknown.
    } finally {
      this.#underWay--;
    }
    this.history.changes.push({
      replica: slot.index,
      change,
      asked_ms,
      answered_ms: performance.now(),
      outcome,
    });
    return outcome;
  }

  async #outcomeOf(response: Response, readLeft: ReadLeft): Promise<Outcome> {
    const body = await response.json();
    switch (response.status) {
      case 200:
        return {
          type: "acknowledged",
          sequence: Number(response.headers.get("log-sequence")),
          left: readLeft(body),
        };
      case 503:
        return { type: "refused" };
      case 504:
        break;
      default:
        this.onSurprise(`a change got ${response.status}: ${body.detail}`);
    }
    return { type: "unknown" };
  }

  /** Lets a client get at random, from one replica, until `stop`. */
  async keepGetting(slot: ReplicaSlot, random: Random): Promise<void> {
    while (!this.#stopped) {
      const next_ms = performance.now() + random.below(INTERVAL_MAX_MS);
      const user = random.pick(USERS);
      const ask = random.below(2) === 0 ? getOne : getArray;
      const answered = await this.#get(slot, user, ask(user));
      await sleep(
        answered ? Math.max(0, next_ms - performance.now()) : BACK_OFF_MS,
      );
    }
  }

  /** @returns Whether the replica was ready to answer. */
  async #get(slot: ReplicaSlot, user: string, ask: Send): Promise<boolean> {
    const { service } = slot;
    if (service === undefined) return false;
    const asked_ms = performance.now();
    let response: Response;
    let body;
    try {
      response = await ask(service, {
        signal: AbortSignal.timeout(ANSWER_MAX_MS),
      });
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
      found: status === 404 ? undefined : {
        sequence: Number(headers.get("log-sequence")),
        grade: Array.isArray(body) ? body[0] : body,
      },
    });
    return true;
  }

  /** Lets no client send anything more. */
  stop(): void {
    this.#stopped = true;
  }
}

function getOne(user: string): Send {
  const query = `user_id=${encodeURIComponent(user)}&min_sequence=0`;
  return (service, init) => service.get(`/get?${query}`, init);
}

/** An array of one, since that says at which sequence there is no such user. */
function getArray(user: string): Send {
  const body = JSON.stringify([user]);
  return (service, init) =>
    service.get("/get", { ...init, method: "POST", body });
}
