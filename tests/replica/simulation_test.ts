import assert from "node:assert/strict";
import { Change, decodeEntry } from "../../src/log/change.ts";
import { NotStoredError, OutcomeUnknownError } from "../../src/log/log.ts";
import { NotAppliedError } from "../../src/replica/group_commit.ts";
import { Storage } from "../../src/storage/storage.ts";
import type { UserGradePatch } from "../../src/user_grade.ts";
import { largeId } from "../support/memory.ts";
import { newSeed, Random } from "../support/random.ts";
import {
  SimulatedLog,
  SimulatedReplica,
  type Weather,
} from "../support/simulated_cluster.ts";
import { SimulatedTime } from "../support/simulated_time.ts";

const SEEDS = 3_000;
const REPLICAS = 3;
const SETS = 40;
const STORM_MS = 4_000;

type Outcome =
  | { type: "committed"; sequence: number }
  | { type: "not stored" }
  | { type: "not applied" }
  | { type: "unknown" };

/** One set, told from all others by its `spp`. */
interface Sent {
  readonly patch: UserGradePatch;
  outcome?: Outcome;
}

async function simulate(
  seed: number,
): Promise<{ sent: Sent[]; stuck: number }> {
  const random = new Random(seed);
  const time = new SimulatedTime();
  const log = new SimulatedLog();
  const weather: Weather = {
    drop: random.below(20),
    duplicate: random.below(20),
    refuse: random.below(10),
    disconnect: random.below(15),
    full: random.pick([0, 2, 10]),
    // Now and then longer than a set may take.
    delay_ms: random.pick([5, 50, 300, 1_500]),
  };
  const replicas = Array.from(
    { length: REPLICAS },
    (_, i) => new SimulatedReplica(`r${i}`, log, time, random, weather),
  );
  const sent: Sent[] = [];
  for (let i = 0; i < SETS; i++) {
    time.after(random.below(STORM_MS), () => {
      const one: Sent = {
        patch: {
          user_id: random.pick([
            `u${random.below(5)}`,
            // One that finds no room in a table that can't grow.
            largeId(`${random.below(20)}`),
          ]),
          spp: i + 1,
        },
      };
      sent.push(one);
      submit(random.pick(replicas), one);
    });
  }
  await time.runUntil(STORM_MS);
  Object.assign(weather, {
    drop: 0,
    duplicate: 0,
    refuse: 0,
    disconnect: 0,
    full: 0,
  });
  await time.runUntil(STORM_MS + 10_000);

  const model = new Storage();
  /** The state at each sequence. */
  const states = [{ users: 0, digest: model.digest }];
  const stored = new Map<number, number>();
  for (const [index, { payload }] of log.entries.entries()) {
    for (const patch of decodeEntry(payload)) {
      assert.ok(!stored.has(patch.spp!), `set ${patch.spp} came twice`);
      stored.set(patch.spp!, index + 1);
      model.set(patch);
    }
    states.push({ users: model.size, digest: model.digest });
  }
  let stuck = 0;
  for (const { replica, views } of replicas) {
    for (const { sequence, users, digest, isStuck } of views) {
      assert.deepEqual({ users, digest }, states[sequence]);
      stuck += Number(isStuck);
    }
    assert.equal(replica.appliedSequence, log.entries.length);
    assert.equal(replica.digest, model.digest);
    assert.equal(replica.sets.pending, 0);
    assert.ok(replica.writable);
  }
  for (const { patch, outcome } of sent) {
    assert.ok(outcome !== undefined, `set ${patch.spp} has no end`);
    if (outcome.type === "committed") {
      assert.equal(stored.get(patch.spp!), outcome.sequence);
    } else if (outcome.type === "not applied") {
      assert.ok(stored.has(patch.spp!), `set ${patch.spp} is not stored`);
    } else if (outcome.type === "not stored") {
      assert.ok(!stored.has(patch.spp!), `set ${patch.spp} is stored`);
    }
  }
  return { sent, stuck };
}

function submit({ replica }: SimulatedReplica, one: Sent): void {
  const failed = (error: unknown) => {
    if (error instanceof NotStoredError) one.outcome = { type: "not stored" };
    else if (error instanceof OutcomeUnknownError) {
      one.outcome = { type: "unknown" };
    } else if (error instanceof NotAppliedError) {
      one.outcome = { type: "not applied" };
    } else throw error;
  };
  try {
    replica.submit(Change.set(one.patch)).then(({ sequence }) => {
      one.outcome = { type: "committed", sequence };
    }, failed);
  } catch (error) {
    failed(error);
  }
}

Deno.test({
  name:
    `replicas end equal, and every set as it was told, for ${SEEDS} seeds of delays, duplicates, drops, disconnections and full memories`,
  permissions: { env: ["USERGRADE_TEST_SEED"] },
  fn: async () => {
    const replay = Deno.env.get("USERGRADE_TEST_SEED");
    const first = Number(replay ?? newSeed());
    const seen = new Map<string, number>();
    for (let i = 0; i < (replay === undefined ? SEEDS : 1); i++) {
      const seed = (first + i) >>> 0;
      try {
        const { sent, stuck } = await simulate(seed);
        seen.set("stuck", (seen.get("stuck") ?? 0) + stuck);
        for (const { outcome } of sent) {
          seen.set(outcome!.type, (seen.get(outcome!.type) ?? 0) + 1);
        }
      } catch (error) {
        console.error(`replay with USERGRADE_TEST_SEED=${seed}`);
        throw error;
      }
    }
    // The weather is bad enough for every outcome, and not too bad for any.
    if (replay === undefined) {
      assert.ok(seen.get("not applied")! > SEEDS / 4);
      for (const type of ["committed", "not stored", "unknown", "stuck"]) {
        assert.ok(seen.get(type)! > SEEDS, `${type}: ${seen.get(type)}`);
      }
    }
  },
});
