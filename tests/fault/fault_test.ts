import assert from "node:assert/strict";
import { newSeed } from "../support/random.ts";
import { runFaults } from "./fault_run.ts";
import { shortfalls } from "./figures.ts";

/** Every kind of fault comes more than once in it. */
const FAULTS_MS = 45_000;

Deno.test("under faults of replicas, broker and network, no acknowledged set is lost, no refused set is stored, no get goes back, and all replicas end equal", async () => {
  const seed = Number(Deno.env.get("USERGRADE_TEST_SEED") ?? newSeed());
  const lines: string[] = [];
  try {
    const { figures, problems } = await runFaults({
      seed,
      faults_ms: FAULTS_MS,
      progress: (line) => lines.push(line),
    });
    assert.deepEqual(problems.slice(0, 10), []);
    assert.deepEqual(shortfalls(figures), []);
  } catch (error) {
    console.error(lines.join("\n"));
    console.error(`replay with USERGRADE_TEST_SEED=${seed}`);
    throw error;
  }
});
