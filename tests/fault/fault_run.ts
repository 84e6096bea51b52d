/**
 * One run: a cluster under load and faults, then quiet, then the reckoning.
 *
 * @module
 */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { Random } from "../support/random.ts";
import type { ServiceProcess } from "../support/service_process.ts";
import { check } from "./checker.ts";
import { Clients, USERS } from "./clients.ts";
import { FaultCluster } from "./fault_cluster.ts";
import type { FinalState } from "./history.ts";
import { injectAll } from "./injector.ts";
import { LogModel } from "./log_model.ts";
import { type Figures, reckon } from "./figures.ts";
import { type Fault, makeSchedule } from "./schedule.ts";

const REPLICAS = 3;

/** How many clients each replica has. */
const SETTERS = 4;
const GETTERS = 2;

/** How long the cluster may take to be ready and equal, once all is healed. */
const QUIET_MAX_MS = 90_000;

/** What a run is. */
export interface RunOptions {
  /** Decides the faults and what clients send. */
  readonly seed: number;
  /** How long faults are injected. */
  readonly faults_ms: number;
  /** Told of what happens. */
  progress(line: string): void;
}

/** How a run ended. */
export interface RunResult {
  readonly figures: Figures;
  /** Promises that were broken, and what no fault explains; empty if all is well. */
  readonly problems: readonly string[];
}

/** Runs it. It takes some seconds more than the faults do. */
export async function runFaults(options: RunOptions): Promise<RunResult> {
  const { seed, faults_ms, progress } = options;
  const problems: string[] = [];
  const surprise = (what: string) => {
    progress(`!! ${what}`);
    problems.push(what);
  };
  await using cluster = await FaultCluster.start(
    REPLICAS,
    new Random(seed),
    QUIET_MAX_MS,
    surprise,
  );
  const clients = new Clients(surprise);
  const working = cluster.slots.flatMap((slot) => [
    ...Array.from(
      { length: SETTERS },
      (_, i) => clients.keepSetting(slot, clientRandom(seed, slot.index, i)),
    ),
    ...Array.from(
      { length: GETTERS },
      (_, i) =>
        clients.keepGetting(slot, clientRandom(seed, slot.index, SETTERS + i)),
    ),
  ]);
  const injected: Fault[] = [];
  const start = performance.now();
  try {
    const faults = makeSchedule(seed, faults_ms, REPLICAS);
    await injectAll(cluster, faults, (fault) => {
      injected.push(fault);
      progress(describe(fault, performance.now() - start));
    });
  } finally {
    clients.stop();
    await Promise.all(working);
  }
  progress("all is healed");
  await quieten(cluster, clients, seed);
  const log = new LogModel(await cluster.readLog());
  const finals = await Promise.all(
    cluster.slots.map(async (slot) =>
      await finalState(slot.index, await slot.untilReady(QUIET_MAX_MS))
    ),
  );
  for (const name of await cluster.bypasses()) {
    surprise(`${name} has a connection that is not its proxy's`);
  }
  for (const slot of cluster.slots) await slot.end("SIGTERM");
  const violations = check(clients.history, log, finals);
  problems.push(...violations.map((one) => `${one.promise}: ${one.detail}`));
  const warmStarts = cluster.slots.reduce(
    (sum, one) => sum + one.warmStarts,
    0,
  );
  return {
    figures: reckon(clients.history, log, injected, violations, warmStarts),
    problems,
  };
}

/** A generator of its own for each client, so that none disturbs another's. */
function clientRandom(seed: number, replica: number, client: number): Random {
  return new Random(seed + 1 + replica * (SETTERS + GETTERS) + client);
}

/**
 * Starts one replica again, from a peer that has had all faults, and waits
 * until every replica takes a set and all have applied the same.
 */
async function quieten(
  { slots }: FaultCluster,
  clients: Clients,
  seed: number,
): Promise<void> {
  const random = new Random(~seed);
  await Promise.all(slots.map((slot) => slot.untilReady(QUIET_MAX_MS)));
  await slots[0].end("SIGKILL");
  slots[0].start(true);
  for (const slot of slots) {
    await slot.untilReady(QUIET_MAX_MS);
    await eventually(async () => {
      const outcome = await clients.set(slot, random);
      assert.equal(outcome?.type, "acknowledged");
    }, QUIET_MAX_MS);
  }
  await eventually(async () => {
    const [first, ...others] = await Promise.all(
      slots.map(async ({ service }) =>
        (await service!.statusJson()).log.applied_sequence
      ),
    );
    for (const sequence of others) assert.equal(sequence, first);
  }, QUIET_MAX_MS);
}

async function finalState(
  replica: number,
  service: ServiceProcess,
): Promise<FinalState> {
  const users: FinalState["users"] = new Map(
    await Promise.all(USERS.map(async (user) => {
      const got = await service.get(`/get?user_id=${encodeURIComponent(user)}`);
      const body = await got.json();
      return [user, got.status === 404 ? undefined : body] as const;
    })),
  );
  const { log, digest } = await service.statusJson();
  return { replica, sequence: log.applied_sequence, digest, users };
}

function describe(
  { kind, replica, for_ms, delay_ms, warm }: Fault,
  now_ms: number,
): string {
  return [
    `${(now_ms / 1000).toFixed(1).padStart(6)} s`,
    kind,
    replica === undefined ? "" : `r${replica}`,
    `${for_ms} ms`,
    kind === "delay" ? `(each chunk ${delay_ms} ms)` : "",
    /^replica_(kill|term)$/.test(kind) && !warm ? "(without peers)" : "",
  ].filter((word) => word !== "").join(" ");
}
