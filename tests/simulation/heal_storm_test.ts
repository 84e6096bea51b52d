import assert from "node:assert/strict";
import { runSeeds, simulateCommand } from "./seeds.ts";
import { STORMS } from "./storms.ts";

/** Always the same ones: `deno task simulate` runs others. */
const FIRST = 201;
const SEEDS = 1_200;

/** What most runs have. */
const OFTEN = [
  "acknowledged",
  "array",
  "deletion",
  "fence",
  "move",
  "mark",
  "gets",
];

/** What a run may have: each is tried many times. */
const SEEN = [
  "the tail is lost",
  "an older copy is put back",
  "the stream is gone",
  "the disk is gone",
  "the tail and the bucket are lost",
  "older copies of both are put back",
  "an older bucket is put back",
  "a replica dies",
  "a replica dies at a step",
  "a replica is stopped",
  "a replica is cut off",
  "a replica loses its connection",
  "one is not heard",
  "one is kept from the stream",
  "the broker restarts",
  "no answers",
  "permissions are taken",
  "the bucket is full",
  "a server is behind",
  "a replica more",
  "the log is emptied",
  "what a fence says is lost",
  "not healed",
];

/** What only several faults at once lead to. */
const RARE = [
  "abandoned",
  "forked",
  "another log",
  "lost by all",
  "beyond repair",
  "the stream is removed",
  "two histories",
];

Deno.test({
  name:
    `replicas make a log whole that has lost entries, and no acknowledged set that any of them has is lost, for ${SEEDS} seeds of losses and faults`,
  permissions: "none",
  fn: async () => {
    const seen = await runSeeds(
      simulateCommand("healing"),
      FIRST,
      SEEDS,
      STORMS.healing,
    );
    for (const type of OFTEN) {
      assert.ok(seen.get(type)! > SEEDS / 2, `${type}: ${seen.get(type)}`);
    }
    for (const name of SEEN) {
      assert.ok(seen.get(name)! > SEEDS / 100, `${name}: ${seen.get(name)}`);
    }
    for (const name of RARE) {
      assert.ok(seen.get(name)! > 0, `${name} is not seen`);
    }
  },
});
