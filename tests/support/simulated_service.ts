/**
 * A service in simulated time: the product's own session, replica, cluster,
 * search, stores and compaction, over a simulated broker, with a seed in the
 * place of a network.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Cluster } from "../../src/cluster/cluster.ts";
import { type Heartbeat, parseHeartbeat } from "../../src/cluster/heartbeat.ts";
import { forbiddenOr } from "../../src/log/jetstream/bucket_errors.ts";
import { RETRY_MS } from "../../src/log/jetstream/link.ts";
import { ObjectBucket } from "../../src/log/jetstream/object_bucket.ts";
import { Stream } from "../../src/log/jetstream/stream.ts";
import type { LogLocation } from "../../src/log/log.ts";
import type { CompactionPolicy } from "../../src/replica/compaction_facts.ts";
import {
  type NamedStore,
  SnapshotSearch,
} from "../../src/replica/snapshot_search.ts";
import { UnavailableError } from "../../src/errors.ts";
import { FileStore } from "../../src/snapshot/file_store.ts";
import type { Snapshot } from "../../src/snapshot/snapshot.ts";
import { SourceError } from "../../src/snapshot/source.ts";
import { SnapshotKeeper } from "../../src/snapshot_keeper.ts";
import { type ApiWorld, SimulatedApi } from "./simulated_api.ts";
import type { SimulatedCodec } from "./simulated_backup.ts";
import { DATE_MS } from "./simulated_broker.ts";
import { SimulatedHealing } from "./simulated_healing.ts";
import { SimulatedProcess } from "./simulated_process.ts";
import { SimulatedReplica, type SnapshotFinder } from "./simulated_replica.ts";
import type { SimulatedTime } from "./simulated_time.ts";

/** So small that a snapshot has several. */
const CHUNK_BYTES = 256;

/**
 * How long an answer takes at most that has to wait, since the one before was
 * sent just now: services tick ten times a second, and less often here.
 */
const ANSWER_MS = 200;

/** Heartbeats that were read: all that hear one get the same bytes. */
const parsed = new WeakMap<Uint8Array, Heartbeat>();

/** What all services of one simulation share. */
export interface ServiceWorld extends ApiWorld {
  readonly time: SimulatedTime;
  readonly codec: SimulatedCodec;
  readonly policy: CompactionPolicy;
  /** How often a service does what is due. */
  readonly tick_ms: number;
  /** How often it considers snapshots; each time if left out. */
  readonly keep_ms?: number;
  /** The services that live. */
  readonly services: readonly SimulatedService[];
  /** How many heartbeats get lost, in percent. */
  readonly heartbeatsLost: number;
  /** Whether a service names the others as peers. */
  readonly hasPeers: boolean;
  /** How long replicas wait until they heal a log; left out if they never do. */
  readonly healAfter_ms?: number;
  /** A service asks for an end at one of its steps. */
  dies(service: SimulatedService): void;
  /** Whether two services hear each other. */
  isHeard(from: SimulatedService, to: SimulatedService): boolean;
  /** How a service's log is has changed. */
  statusChanged?(service: SimulatedService): void;
  /** A service is about to make a new log. */
  making?(service: SimulatedService): void;
  /** A service goes on from a snapshot; with the keys of what it had, and has. */
  restored?(
    service: SimulatedService,
    before: readonly string[],
    after: readonly string[],
  ): void;
}

/** One life of one replica. */
export class SimulatedService {
  readonly process: SimulatedProcess;
  readonly replica: SimulatedReplica;
  readonly cluster: Cluster;
  readonly keeper: SnapshotKeeper;
  readonly api: SimulatedApi;
  readonly store: NamedStore;
  readonly #log: Stream;
  /** Undefined where logs are not healed. */
  readonly healing: SimulatedHealing | undefined;
  #keepAt_ms = 0;
  /** Whether gets were answered: then they always are. */
  #wasReadable = false;
  /** Until when it is kept from the others, or from the broker. */
  awayUntil_ms = 0;
  /** When it took over the state that it goes on from. */
  changed_ms: number;
  /** When it was let propose to its log last. */
  admitted_ms = 0;
  #isAdmitted = false;

  /**
   * @param name The replica's id.
   * @param life No other start of a replica has this number.
   */
  constructor(
    readonly name: string,
    life: number,
    private readonly world: ServiceWorld,
  ) {
    const process = this.process = new SimulatedProcess(world.time);
    this.changed_ms = process.now;
    this.api = new SimulatedApi(
      name,
      world,
      process,
      () => this.replica.wire,
      () => world.dies(this),
      () => this.replica.hasStream,
    );
    this.#log = new Stream(this.api, "USERGRADE", () => 1024 * 1024);
    const bucket = new ObjectBucket(
      { stream: "USERGRADE", replicaId: name },
      () => this.replica.wire && this.api,
      {
        now: () => process.now,
        chunk_bytes: CHUNK_BYTES,
      },
    );
    this.store = {
      name: "the bucket",
      store: new FileStore(
        "the bucket",
        bucket,
        { now: () => this.#date_ms, codec: world.codec },
      ),
    };
    this.replica = new SimulatedReplica(
      name,
      world.broker,
      process,
      world.random,
      world.weather,
      this.#finder(),
      {
        session: `${name}:${life}`,
        tick_ms: () => world.tick_ms,
        listener: {
          entries: ({ entries, bytes }) =>
            this.keeper.noteEntries(entries, bytes),
          limits: (limits) => this.keeper.noteLimits(limits),
          tick: () => this.#tick(),
          joined: (wasAway) => this.healing?.joined(wasAway),
          left: () => this.healing?.left(),
          hearOthers: (hearing) =>
            this.healing === undefined
              ? this.replica.othersHeard(hearing)
              : this.healing.hearOthers(hearing),
          status: (status) => {
            const isAdmitted = status.state === "connected";
            if (isAdmitted && !this.#isAdmitted) this.admitted_ms = process.now;
            this.#isAdmitted = isAdmitted;
            this.healing?.statusChanged(status);
            world.statusChanged?.(this);
          },
          making: () => world.making?.(this),
          restored: (before, after) => {
            this.changed_ms = process.now;
            world.restored?.(this, before, after);
          },
        },
        ...(world.healAfter_ms !== undefined && {
          stream: this.#log,
          isHeld: true,
          heals: world.healAfter_ms > 0,
          loop: this.#loop,
        }),
      },
    );
    const { replica } = this.replica;
    const session = life.toString(16).padStart(32, "0");
    this.cluster = new Cluster(
      { replicaId: name, version: "1.0.0", session },
      replica,
      {
        sendHeartbeat: (forms) => {
          const sent = this.replica.session.toTell(forms);
          if (sent !== undefined) this.#send(sent);
        },
        heard: (heartbeat) => this.healing?.heard(heartbeat),
        parse: (name, bytes) => {
          const heartbeat = parsed.get(bytes) ?? parseHeartbeat(name, bytes);
          parsed.set(bytes, heartbeat);
          return heartbeat;
        },
      },
    );
    this.keeper = new SnapshotKeeper(
      { own: { ...this.store, isShared: true }, folder: undefined },
      world.policy,
      {
        locate: (sequence) => this.#locate(sequence),
        trim: async (sequence) => {
          await this.#trim(sequence);
        },
        replica,
        cluster: this.cluster,
        now: () => process.now,
        date: () => this.#date_ms,
        pause: () => this.#sleep(1),
      },
    );
    this.healing = world.healAfter_ms === undefined
      ? undefined
      : new SimulatedHealing({
        name,
        healAfter_ms: world.healAfter_ms,
        process,
        replica: this.replica,
        cluster: this.cluster,
        store: this.store,
        api: this.api,
        stream: this.#log,
        locate: (sequence) => this.#locate(sequence),
        sleep: (ms) => this.#sleep(ms),
        date: () => this.#date_ms,
      });
  }

  /** It is kept from the others, or from the broker, for a while. */
  isAwayFor(ms: number): void {
    this.isAwayUntil(this.process.now + ms);
  }

  /** It is kept from them until then. */
  isAwayUntil(time_ms: number): void {
    this.awayUntil_ms = Math.max(this.awayUntil_ms, time_ms);
  }

  get #date_ms(): number {
    return DATE_MS + this.process.now;
  }

  /** Where snapshots are restored. */
  get #loop() {
    return { now: () => this.process.now, pause: () => this.#sleep(1) };
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.process.after(ms, resolve));
  }

  #tick(): void {
    const { now } = this.process;
    this.cluster.tick(now);
    if (now >= this.#keepAt_ms) {
      this.#keepAt_ms = now + (this.world.keep_ms ?? 0);
      this.keeper.tick();
    }
    this.healing?.tick();
    const { readable } = this.replica.replica;
    if (!readable && this.#wasReadable) {
      assert.fail(`${this.name} answers no gets`);
    }
    this.#wasReadable = readable;
  }

  /** As the service does it: for ever, since the session says what is wrong. */
  async #locate(sequence: number): Promise<LogLocation> {
    for (;;) {
      try {
        return await this.#log.locate(sequence);
      } catch {
        await this.#sleep(RETRY_MS);
      }
    }
  }

  async #trim(sequence: number): Promise<number> {
    const { state, reason } = this.replica.session.status;
    if (state !== "connected") {
      throw new UnavailableError(`Cannot cut the log now: ${reason}`);
    }
    try {
      return await this.#log.trim(sequence);
    } catch (error) {
      throw forbiddenOr(error);
    } finally {
      this.replica.trimmed();
    }
  }

  #finder(): SnapshotFinder {
    const search = new SnapshotSearch(
      {
        sources: this.world.hasPeers ? this.#peers() : [],
        stores: [this.store],
      },
      { locate: (sequence) => this.#locate(sequence) },
      (progress) => this.replica.replica.noteRestore(progress),
      (_store, id) => this.keeper.doubt(this.store.name, id),
      this.#loop,
    );
    return {
      search: (wanted, _, signal) => search.run(wanted, signal),
      sleep: async (ms, signal) => {
        await this.#sleep(ms);
        signal.throwIfAborted();
      },
      locate: (sequence) => this.#locate(sequence),
    };
  }

  /** The other replicas, whoever of them lives when it is asked. */
  #peers() {
    return ["r0", "r1", "r2"].filter((name) => name !== this.name)
      .map((name) => ({ name, open: () => this.#askPeer(name) }));
  }

  async #askPeer(name: string): Promise<Snapshot> {
    await this.#sleep(this.world.random.below(this.world.weather.delay_ms + 1));
    const peer = this.world.services.find((one) => one.name === name);
    if (peer === undefined || peer.process.isPaused) {
      throw new SourceError("unreachable: it does not answer");
    }
    try {
      return peer.replica.replica.snapshot();
    } catch (cause) {
      throw new SourceError(`holds nothing: ${(cause as Error).message}`);
    }
  }

  #send(heartbeat: Uint8Array<ArrayBuffer>): void {
    const { world } = this;
    if (this.replica.wire === undefined || !world.broker.isUp) return;
    for (const other of world.services) {
      if (other === this || !world.isHeard(this, other)) continue;
      // Some get lost anywhere, and nobody sends them again.
      if (world.random.below(100) < world.heartbeatsLost) continue;
      const delay_ms = world.random.below(world.weather.delay_ms + 1);
      other.process.after(delay_ms, () => {
        if (other.replica.wire === undefined) return;
        other.cluster.heard(this.name, heartbeat, other.process.now);
        if (parsed.get(heartbeat)?.asks !== true) return;
        const { cluster, process } = other;
        process.after(ANSWER_MS, () => cluster.tick(process.now));
      });
    }
  }

  /** Ends it without a word. */
  kill(): void {
    if (this.process.isDead) return;
    this.process.kill();
    this.replica.vanish();
  }
}
