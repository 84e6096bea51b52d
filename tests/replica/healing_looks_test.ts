import assert from "node:assert/strict";
import { Healer } from "../../src/replica/healer.ts";
import type { OtherReplica } from "../../src/replica/healing_facts.ts";
import { HEAL_AFTER_MS, loss, other, own } from "./healing_facts.ts";

const permissions = "none";

/** The time between two ticks. */
const TICK_MS = 250;

/** A healer whose log another replica heals, and when it looks at that log. */
class Onlooker {
  now_ms = 0;
  /** When each look was. */
  readonly looks: number[] = [];
  /** The replica that heals the log. */
  first: OtherReplica = other("a", 100);
  readonly #healer: Healer;

  constructor() {
    const never = () => Promise.reject(new Error("nobody does that here"));
    this.#healer = new Healer(
      {
        replicaId: "b",
        storeName: "the store",
        healAfter_ms: HEAL_AFTER_MS,
      },
      {
        log: {
          look: () => {
            this.looks.push(this.now_ms);
            return Promise.resolve(loss());
          },
          remake: never,
          fence: never,
          moveTo: never,
        },
        store: {
          list: () => Promise.resolve([]),
          verify: never,
          create: never,
          delete: never,
          open: never,
        },
        snapshot: () => {
          throw new Error("nobody writes one here");
        },
        now: () => this.now_ms,
        pause: () => Promise.resolve(),
        situation: () => ({
          own: own(),
          others: [this.first],
          awaited: [],
          isPresenceOn: true,
        }),
        restore: never,
        conditionChanged: () => {},
        healerChanged: () => {},
      },
    );
    this.#healer.logStatusChanged({
      state: "ahead_of_log",
      reason: "",
      loss: loss(),
    });
  }

  /** Lets a tick pass, and the other be heard some time before it. */
  async tick(heardAgo_ms: number): Promise<void> {
    this.first = { ...this.first, heardAgo_ms };
    this.#healer.tick(this.now_ms);
    // What a look leads to is done before the next tick.
    for (let turns = 0; turns < 20; turns++) await Promise.resolve();
    this.now_ms += TICK_MS;
  }
}

Deno.test(
  "a healer that waits looks once a second, and at once when it hears of a replica that has applied the mark",
  {
    permissions,
  },
  async () => {
    const onlooker = new Onlooker();
    for (let tick = 0; tick < 6; tick++) await onlooker.tick(100);
    assert.deepEqual(onlooker.looks, [0, 1_000]);
    onlooker.first = other("a", 101, { heals: 1, healedTo: 100 });
    await onlooker.tick(100);
    assert.deepEqual(onlooker.looks, [0, 1_000, 1_500]);
    // Once for what was heard.
    await onlooker.tick(350);
    assert.deepEqual(onlooker.looks, [0, 1_000, 1_500]);
    await onlooker.tick(100);
    assert.deepEqual(onlooker.looks, [0, 1_000, 1_500, 2_000]);
  },
);
