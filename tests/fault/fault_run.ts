/**
 * One run: a cluster under load and faults, then quiet, then the reckoning.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../support/random.ts";
import type { ServerCount } from "./brokers.ts";
import { check } from "./checker.ts";
import { Clients, USERS } from "./clients.ts";
import { describeFault } from "./describe_fault.ts";
import { FaultCluster } from "./fault_cluster.ts";
import type { Fault } from "./faults.ts";
import { type Figures, haveDoneEnough, reckon } from "./figures.ts";
import { finalState } from "./final_state.ts";
import type { FinalState, KeptSnapshot } from "./history.ts";
import { injectAll } from "./injector.ts";
import { LogModel } from "./log_model.ts";
import { makeSchedule, type Plan } from "./schedule.ts";
import { QUIET_MAX_MS, quieten, settleSnapshots } from "./settlement.ts";
import { SnapshotMonitor } from "./snapshot_monitor.ts";
import { SnapshotRequests } from "./snapshot_requests.ts";
import { Watchers } from "./watchers.ts";

const REPLICAS = 3;

/** How many clients each replica has. */
const CHANGERS = 4;
const GETTERS = 2;

/** Whom each watcher watches; undefined for all. */
const WATCHED = [undefined, undefined, USERS.slice(0, 3)];

/** The clients of a replica, with the one that asks for snapshots. */
const CLIENTS = CHANGERS + GETTERS + 1;

/** By how much the log grows before it is snapshot: so little that it is often. */
const SNAPSHOT_LOG_BYTES = 16 * 1024;

/**
 * The most bytes that the log may have at any time, though nobody can cut it
 * while replicas and broker are down, or for a minute while one catches up.
 */
const LOG_BYTES_MAX = 6 * 1024 * 1024;

/** How often is looked whether clients have done enough. */
const ENOUGH_LOOK_MS = 100;

/** What a run is. */
export interface RunOptions {
  /** Decides the faults and what clients send. */
  readonly seed: number;
  /** How long faults are injected. */
  readonly faults_ms: number;
  /** How many servers the broker has. */
  readonly servers: ServerCount;
  /** Whether the log is cut behind snapshots, with the faults of that. */
  readonly snapshots: boolean;
  /**
   * Whether the broker loses what it has, and the replicas heal its log. Needs
   * NATS 2.10, and no snapshots.
   */
  readonly losses: boolean;
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
  const problems: string[] = [];
  const surprise = (what: string) => {
    options.progress(`!! ${what}`);
    problems.push(what);
  };
  await using cluster = await FaultCluster.start({
    replicas: REPLICAS,
    servers: options.servers,
    snapshotLogBytes: options.snapshots ? SNAPSHOT_LOG_BYTES : 0,
    patience_ms: QUIET_MAX_MS,
    onSurprise: surprise,
  }, new Random(options.seed));
  const figures = await new Run(options, cluster, surprise).run(problems);
  return { figures, problems };
}

/** A run of a cluster that is up. */
class Run {
  readonly #clients: Clients;
  readonly #requests: SnapshotRequests;
  readonly #monitor: SnapshotMonitor;
  readonly #watchers: Watchers;
  readonly #injected: Fault[] = [];
  #fences = 0;

  constructor(
    private readonly options: RunOptions,
    private readonly cluster: FaultCluster,
    private readonly surprise: (what: string) => void,
  ) {
    const { brokers, bucket, watch, healing } = cluster;
    healing.listen(({ step, replica }) => {
      // The log is cut too, and the first snapshot makes the bucket.
      if (step !== "fence" && step !== "mark") return;
      this.#fences++;
      if (options.losses) return;
      surprise(`replica ${replica} heals what was not lost (${step})`);
    });
    this.#clients = new Clients(surprise);
    this.#requests = new SnapshotRequests(
      this.#clients.history.snapshots,
      surprise,
    );
    this.#monitor = new SnapshotMonitor(brokers, bucket, watch, surprise);
    this.#watchers = new Watchers(
      cluster.slots,
      this.#clients.history.watches,
      surprise,
    );
  }

  /** @param problems Gets the promises that were broken. */
  async run(problems: string[]): Promise<Figures> {
    const watching = WATCHED.map((users, i) =>
      this.#watchers.keepWatching(users, i)
    );
    try {
      return await this.#run(problems);
    } finally {
      this.#watchers.stop();
      await Promise.all(watching);
    }
  }

  async #run(problems: string[]): Promise<Figures> {
    const { options: { seed, faults_ms, ...rest }, cluster } = this;
    const { servers, snapshots, losses } = rest;
    const { slots } = cluster;
    // Every other seed has snapshots of several chunks.
    if (snapshots && seed % 2 === 1) {
      await this.#clients.fill(slots[0], new Random(seed));
    }
    const plan = { replicas: REPLICAS, servers, snapshots, losses };
    const scheduled = makeSchedule(seed, faults_ms, plan);
    const working = this.#startClients(plan);
    try {
      await this.#inject(scheduled);
      await this.#untilEnough();
    } finally {
      this.#clients.stop();
      this.#requests.stop();
      this.#monitor.stop();
      await Promise.all(working);
    }
    this.options.progress("all is healed");
    const random = new Random(~seed);
    await quieten(cluster, this.#clients, random);
    const kept = snapshots ? await this.#settleSnapshots(random) : [];
    const { most_bytes } = this.#monitor;
    if (most_bytes > LOG_BYTES_MAX) {
      this.surprise(`the log had ${most_bytes} bytes at a time`);
    }
    const log = new LogModel(await cluster.readLog());
    const finals = await this.#finals(log.lastSequence);
    const { history } = this.#clients;
    const violations = check(history, log, finals, kept, cluster.losses.count);
    problems.push(...violations.map((one) => `${one.promise}: ${one.detail}`));
    return reckon({
      history,
      log,
      scheduled,
      injected: this.#injected,
      violations,
      lines: cluster.lines.counts,
      logBytesMax: snapshots ? most_bytes : undefined,
      losses: losses ? cluster.losses : undefined,
      fences: this.#fences,
      watchers: this.#watchers,
    });
  }

  #startClients({ snapshots }: Plan): Promise<void>[] {
    const { options: { seed }, cluster: { slots } } = this;
    const clients = this.#clients;
    const working = slots.flatMap((slot) => [
      ...Array.from(
        { length: CHANGERS },
        (_, i) => clients.keepChanging(slot, clientRandom(seed, slot.index, i)),
      ),
      ...Array.from(
        { length: GETTERS },
        (_, i) =>
          clients.keepGetting(
            slot,
            clientRandom(seed, slot.index, CHANGERS + i),
          ),
      ),
    ]);
    if (!snapshots) return working;
    const asking = slots.map((slot) =>
      this.#requests.keepAsking(
        slot,
        clientRandom(seed, slot.index, CHANGERS + GETTERS),
      )
    );
    return [...working, ...asking, this.#monitor.watch()];
  }

  async #inject(faults: readonly Fault[]): Promise<void> {
    const start = performance.now();
    const note = (fault: Fault, hit: boolean) => {
      if (!hit) return;
      this.#injected.push(fault);
      this.options.progress(describeFault(fault, performance.now() - start));
    };
    const work = {
      cluster: this.cluster,
      clients: this.#clients,
      requests: this.#requests,
      note,
    };
    await injectAll(work, faults, this.options.faults_ms);
  }

  /**
   * Lets clients go on until the outcome means something: on a busy machine they
   * do little while there are faults.
   */
  async #untilEnough(): Promise<void> {
    const end_ms = performance.now() + QUIET_MAX_MS;
    const { history } = this.#clients;
    while (
      !haveDoneEnough(history, this.options.losses) &&
      performance.now() < end_ms
    ) await sleep(ENOUGH_LOOK_MS);
  }

  /** Whatever keeps it from coming to rest, the rest is still checked. */
  async #settleSnapshots(random: Random): Promise<KeptSnapshot[]> {
    try {
      return await settleSnapshots(
        this.cluster,
        this.#clients,
        this.#requests,
        random,
      );
    } catch (error) {
      this.surprise(
        `snapshots don't come to rest: ${(error as Error).message}`,
      );
      return [];
    }
  }

  /** What all replicas have, and watchers are told, in the end; then all are ended. */
  async #finals(lastSequence: number): Promise<FinalState[]> {
    const { cluster } = this;
    const finals = await Promise.all(
      cluster.slots.map(async (slot) =>
        await finalState(slot.index, await slot.untilReady(QUIET_MAX_MS))
      ),
    );
    try {
      await this.#watchers.untilTold(lastSequence);
    } catch (error) {
      this.surprise((error as Error).message);
    }
    this.#watchers.stop();
    for (const name of await cluster.bypasses()) {
      this.surprise(`${name} has a connection that is not its proxy's`);
    }
    for (const slot of cluster.slots) await slot.end("SIGTERM");
    return finals;
  }
}

/** A generator of its own for each client, so that none disturbs another's. */
function clientRandom(seed: number, replica: number, client: number): Random {
  return new Random(seed + 1 + replica * CLIENTS + client);
}
