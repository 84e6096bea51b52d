/**
 * Does what the schedule says.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { Random } from "../support/random.ts";
import { LOG_STREAM } from "./broker_client.ts";
import type { FaultCluster } from "./fault_cluster.ts";
import type { Network } from "./network.ts";
import type { ReplicaSlot } from "./replica_slot.ts";
import { type Fault, respiteOf, targetsOf } from "./schedule.ts";
import type { SnapshotRequests } from "./snapshot_requests.ts";
import { BUCKET_STREAM } from "./snapshot_bucket.ts";
import type { Sighting } from "./snapshot_watch.ts";

/** How long a fault of the network waits for a connection that it can hit. */
const CONNECTION_MAX_MS = 15_000;

/** How long a strike waits for its moment. */
const MOMENT_MAX_MS = 10_000;

/** How long until a replica is asked for a snapshot again. */
const ASK_AGAIN_MS = 50;

/**
 * How long a replica waits to be outrun: the others take over from the first one
 * only when it was not heard for 10 s.
 */
const OUTRUN_MAX_MS = 25_000;

/** How often the log is looked at, while a replica waits to be outrun. */
const OUTRUN_LOOK_MS = 100;

/** Injects faults into one cluster. */
export class Injector {
  /** What each target is busy with. */
  readonly #busy = new Map<string, Promise<void>>();
  readonly #failures: unknown[] = [];

  /**
   * @param cluster What they are injected into.
   * @param requests Asks for the snapshots that strikes wait for.
   * @param until_ms After how long no fault begins any more, however many are
   * still to come: on a slow machine each takes longer.
   * @param onFault Told of each fault that hit something, when it begins.
   */
  constructor(
    private readonly cluster: FaultCluster,
    private readonly requests: SnapshotRequests,
    private readonly until_ms: number,
    private readonly onFault: (fault: Fault) => void,
  ) {}

  /**
   * Injects faults when their time comes, and heals each. Where a target takes
   * longer than the schedule gave it, its next fault waits for it.
   */
  async injectAll(faults: readonly Fault[]): Promise<void> {
    const start = performance.now();
    for (const fault of faults) {
      await sleep(start + fault.at_ms - performance.now());
      if (this.#failures.length > 0) break;
      const targets = targetsOf(fault, this.cluster.slots.length);
      const done = Promise.all(targets.map((one) => this.#busy.get(one)))
        .then(async () => {
          if (performance.now() > start + this.until_ms) return;
          await this.#inject(fault);
          await sleep(respiteOf(fault));
        })
        .catch((error) => void this.#failures.push(error));
      for (const target of targets) this.#busy.set(target, done);
    }
    await Promise.all(this.#busy.values());
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  async #inject(fault: Fault): Promise<void> {
    const { kind, for_ms } = fault;
    const { slots, bucket } = this.cluster;
    const slot = slots[fault.replica ?? 0];
    const { network } = slot;
    switch (kind) {
      case "replica_kill":
      case "replica_term":
        this.#note(
          fault,
          await slot.end(kind === "replica_kill" ? "SIGKILL" : "SIGTERM"),
        );
        await sleep(for_ms);
        return slot.start(fault.warm);
      case "replica_pause":
        this.#note(fault, slot.signal("SIGSTOP"));
        await sleep(for_ms);
        slot.signal("SIGCONT");
        return;
      case "replica_strike":
        if (await this.#moment(fault, slot, `r${slot.index}`) === undefined) {
          return;
        }
        await sleep(fault.delay_ms);
        this.#note(fault, await slot.end("SIGKILL"));
        await sleep(for_ms);
        return slot.start(false);
      case "replicas_kill":
        return await this.#killAll(fault);
      case "broker_kill":
      case "broker_absence":
      case "broker_pause":
        return await this.#hitBroker(fault, LOG_STREAM);
      case "broker_strike":
        if (await this.#moment(fault, await this.#firstSlot()) === undefined) {
          return;
        }
        await sleep(fault.delay_ms);
        return await this.#hitBroker(
          fault,
          fault.moment === "cut" ? LOG_STREAM : BUCKET_STREAM,
        );
      case "cut":
        await this.#noteNetwork(fault, network);
        return network.cut();
      case "refuse":
        await this.#noteNetwork(fault, network);
        await network.refuse();
        await sleep(for_ms);
        return network.accept();
      case "delay":
      case "stall":
        await this.#noteNetwork(fault, network);
        network.weather = kind === "stall"
          ? { type: "stall" }
          : { type: "delay", delay_ms: fault.delay_ms };
        await sleep(for_ms);
        network.weather = { type: "fair" };
        return;
      case "outrun_paused":
        slot.signal("SIGSTOP");
        await network.refuse();
        this.#note(fault, await this.#outrun());
        network.accept();
        slot.signal("SIGCONT");
        return;
      case "outrun_cut_off":
        await network.refuse();
        this.#note(fault, await this.#outrun());
        return network.accept();
      case "snapshot_damage":
        return this.#note(
          fault,
          await bucket.damageNewest(new Random(fault.at_ms)),
        );
      case "upload_damage": {
        const seen = await this.#moment(fault, await this.#firstSlot());
        return this.#note(
          fault,
          seen !== undefined &&
            await bucket.damageNew(seen.chunkId!, new Random(fault.at_ms)),
        );
      }
    }
  }

  #note(fault: Fault, hit: boolean): void {
    if (hit) this.onFault(fault);
  }

  async #noteNetwork(fault: Fault, network: Network): Promise<void> {
    this.#note(fault, await isConnected(network));
  }

  /** Nothing is left but the log and the snapshots. */
  async #killAll(fault: Fault): Promise<void> {
    const { slots, bucket } = this.cluster;
    const ended = await Promise.all(slots.map((slot) => slot.end("SIGKILL")));
    const isDamaged = fault.damages &&
      await bucket.damageNewest(new Random(fault.at_ms));
    this.#note(fault, ended.every(Boolean) && isDamaged === fault.damages);
    await sleep(fault.for_ms);
    for (const slot of slots) slot.start(false);
  }

  async #hitBroker(fault: Fault, stream: string): Promise<void> {
    const { brokers } = this.cluster;
    const number = await brokers.find(fault.server, stream);
    const server = brokers.servers[number];
    this.#note(fault, true);
    if (fault.kind === "broker_pause") {
      server.signal("SIGSTOP");
      await sleep(fault.for_ms);
      server.signal("SIGCONT");
    } else {
      await server.stop("SIGKILL");
      await sleep(fault.for_ms);
      await server.start();
    }
    await brokers.untilWhole(number);
  }

  /**
   * Lets a replica make a snapshot, and waits for a moment of that.
   *
   * @param writer Whose snapshot it must be; undefined for anyone's.
   * @returns What was seen; undefined if nothing was in time.
   */
  async #moment(
    { moment }: Fault,
    slot: ReplicaSlot,
    writer?: string,
  ): Promise<Sighting | undefined> {
    const seen = this.cluster.watch.next(moment!, writer, MOMENT_MAX_MS);
    // Until one is under way: a replica that starts can't make any.
    let isOver = false;
    const asking = async () => {
      while (!isOver) {
        await this.requests.ask(slot);
        await sleep(ASK_AGAIN_MS);
      }
    };
    asking();
    try {
      return await seen;
    } finally {
      isOver = true;
    }
  }

  /** The first replica that is up: it deletes snapshots and cuts the log. */
  async #firstSlot(): Promise<ReplicaSlot> {
    return await eventually(() => {
      const slot = this.cluster.slots.find(({ service }) => service);
      if (slot === undefined) throw new Error("no replica is up");
      return slot;
    });
  }

  /**
   * Waits until the log was cut beyond its end of now.
   *
   * @returns Whether it was.
   */
  async #outrun(): Promise<boolean> {
    const { brokers } = this.cluster;
    const look = () => brokers.ask((client) => client.look(LOG_STREAM));
    const end = performance.now() + OUTRUN_MAX_MS;
    const { lastSequence } = await look();
    while (performance.now() < end) {
      if ((await look()).firstSequence > lastSequence + 1) return true;
      await sleep(OUTRUN_LOOK_MS);
    }
    return false;
  }
}

/** Waits for a connection; returns whether there is one. */
async function isConnected(network: Network): Promise<boolean> {
  return await eventually(() => {
    if (network.connections === 0) throw new Error("there is no connection");
    return true;
  }, CONNECTION_MAX_MS).catch(() => false);
}
