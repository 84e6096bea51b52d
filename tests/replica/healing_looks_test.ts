import assert from "node:assert/strict";
import { Healer } from "../../src/replica/healer.ts";
import type { LogStatus } from "../../src/log/log.ts";
import type {
  HealingCondition,
  OtherReplica,
} from "../../src/replica/healing_facts.ts";
import { LOG_CALL_LIMIT_MS } from "../../src/replica/healing_calls.ts";
import { HEAL_AFTER_MS, loss, other, own } from "./healing_facts.ts";

const permissions = "none";

/** The time between two ticks. */
const TICK_MS = 250;

/** A healer whose log another replica heals, and when it looks at that log. */
class Onlooker {
  now_ms = 0;
  /** Whether the log answers. */
  hasAnswers = true;
  condition: HealingCondition | undefined;
  /** Whether the others may count on it. */
  isAble = false;
  /** When each look was. */
  readonly looks: number[] = [];
  /** The replica that heals the log. */
  first: OtherReplica = other("a", 100);
  readonly healer: Healer;

  constructor(healAfter_ms = HEAL_AFTER_MS) {
    const never = () => Promise.reject(new Error("nobody does that here"));
    this.healer = new Healer(
      {
        replicaId: "b",
        storeName: "the store",
        healAfter_ms,
      },
      {
        log: {
          look: () => {
            this.looks.push(this.now_ms);
            return this.hasAnswers
              ? Promise.resolve(loss())
              : new Promise(() => {});
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
        conditionChanged: (condition) => this.condition = condition,
        healerChanged: (isAble) => this.isAble = isAble,
      },
    );
    this.say("ahead_of_log");
  }

  /** The log says that it has lost something, or nothing. */
  say(state: LogStatus["state"]): void {
    this.healer.logStatusChanged({
      state,
      reason: "",
      ...(state === "ahead_of_log" && { loss: loss() }),
    });
  }

  /** Lets a tick pass, and the other be heard some time before it. */
  async tick(heardAgo_ms: number): Promise<void> {
    this.first = { ...this.first, heardAgo_ms };
    this.healer.tick(this.now_ms);
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

Deno.test(
  "a healer whose log does not answer gives that look up, and looks again",
  { permissions },
  async () => {
    const onlooker = new Onlooker();
    onlooker.hasAnswers = false;
    while (onlooker.now_ms <= LOG_CALL_LIMIT_MS) await onlooker.tick(100);
    assert.deepEqual(onlooker.looks, [0]);
    onlooker.hasAnswers = true;
    for (let tick = 0; tick < 8; tick++) await onlooker.tick(100);
    assert.equal(onlooker.looks.length, 3);
  },
);

Deno.test(
  "an order is for the loss there is: a replica that is not to heal heals no later one",
  { permissions },
  async () => {
    const onlooker = new Onlooker(0);
    await onlooker.tick(100);
    assert.ok(!onlooker.isAble);
    onlooker.healer.order();
    await onlooker.tick(100);
    assert.ok(onlooker.isAble);
    onlooker.say("connected");
    await onlooker.tick(100);
    assert.ok(!onlooker.isAble);
  },
);

Deno.test(
  "a replica without its log is forked by what others say of their healings, and one that follows its log is not",
  { permissions },
  async () => {
    for (const state of ["away", "connected"] as const) {
      const onlooker = new Onlooker();
      onlooker.say(state);
      onlooker.first = other("a", 90, { heals: 1, healedTo: 60 });
      await onlooker.tick(100);
      const type = state === "away" ? "forked" : undefined;
      assert.equal(onlooker.condition?.type, type);
    }
  },
);
