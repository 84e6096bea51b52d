/**
 * What keeps one simulated service from proposing too early, and makes its log
 * whole: the product's own room, readmission and healer.
 *
 * @module
 */
import type { Cluster } from "../../src/cluster/cluster.ts";
import { enter } from "../../src/cluster/entrance.ts";
import type { Heartbeat } from "../../src/cluster/heartbeat.ts";
import { Readmission } from "../../src/cluster/readmission.ts";
import { healerSituation } from "../../src/cluster/healer_situation.ts";
import { Room } from "../../src/cluster/room.ts";
import { HealableStream } from "../../src/log/jetstream/heal_stream.ts";
import type { Stream } from "../../src/log/jetstream/stream.ts";
import type { HealableLog } from "../../src/log/healable_log.ts";
import type { LogLocation, LogStatus } from "../../src/log/log.ts";
import { endOf } from "../../src/replica/bootstrap.ts";
import { Healer } from "../../src/replica/healer.ts";
import type { HealerSituation } from "../../src/replica/healing_sight.ts";
import type { NamedStore } from "../../src/replica/snapshot_search.ts";
import { storedSource } from "../../src/snapshot/store.ts";
import { StoredStates } from "../../src/stored_states.ts";
import type { SimulatedApi } from "./simulated_api.ts";
import type { SimulatedProcess } from "./simulated_process.ts";
import type { SimulatedReplica } from "./simulated_replica.ts";

/** What healing needs of its service. */
export interface HealingParts {
  readonly name: string;
  readonly healAfter_ms: number;
  readonly process: SimulatedProcess;
  readonly replica: SimulatedReplica;
  readonly cluster: Cluster;
  readonly store: NamedStore;
  readonly api: SimulatedApi;
  readonly stream: Stream;
  locate(sequence: number): Promise<LogLocation>;
  sleep(ms: number): Promise<void>;
  /** As `Date.now()`. */
  date(): number;
}

/** Everything of healing that one service has. */
export class SimulatedHealing {
  readonly #room = new Room(false);
  readonly #readmission: Readmission;
  readonly healer: Healer;

  constructor(private readonly parts: HealingParts) {
    const { replica, cluster } = parts;
    this.#readmission = new Readmission({
      cluster,
      replica: replica.replica,
      locate: () => parts.locate(0),
      recover: async ({ lastSequence }) =>
        await this.healer.recover(await endOf(parts, { lastSequence })),
      admit: (hearing) => replica.othersHeard(hearing),
      isGivenUp: (other) => this.#room.isGivenUp(other),
      changed: (condition) => replica.replica.healingChanged(condition),
    });
    const { store, name, healAfter_ms } = parts;
    this.healer = new Healer(
      { replicaId: name, storeName: store.name, healAfter_ms },
      {
        log: this.#healable(),
        store: store.store,
        snapshot: () => replica.replica.snapshot(),
        now: () => this.#now,
        pause: () => parts.sleep(1),
        situation: () => this.#situation(),
        restore: (snapshot, signal) =>
          replica.goOnFrom(
            storedSource(store.name, store.store, snapshot),
            signal,
          ),
        conditionChanged: (condition) =>
          replica.replica.healingChanged(condition),
        healerChanged: (isHealer) => replica.replica.healerChanged(isHealer),
      },
    );
    this.#enter();
  }

  get #now(): number {
    return this.parts.process.now;
  }

  async #enter(): Promise<void> {
    const { replica, store, sleep, locate, healAfter_ms } = this.parts;
    const stored = new StoredStates([store]);
    await enter(this.#room, {
      find: () => replica.find(),
      ask: async (found) => {
        const end = found && healAfter_ms > 0
          ? await endOf({ locate }, found)
          : undefined;
        await stored.tell(this.#room, found, { locate }, end);
      },
      hold: (reason) => replica.replica.hold(reason),
      now: () => this.#now,
    }, sleep);
    replica.open(() => this.#enter());
  }

  #situation(): HealerSituation {
    const { name, replica: { replica }, cluster, process } = this.parts;
    return healerSituation(name, replica, cluster, () => process.now);
  }

  #healable(): HealableLog {
    const { replica, api, stream } = this.parts;
    const healable = new HealableStream("USERGRADE", {
      log: () => replica.session.log,
      connection: () => replica.wire && { aside: api, asideStream: stream },
      healed: () => replica.healed(),
    });
    return {
      look: () => replica.call(() => healable.look()),
      remake: () => replica.call(() => healable.remake()),
      fence: (point, after) => replica.call(() => healable.fence(point, after)),
      moveTo: (point) => replica.call(() => healable.moveTo(point)),
    };
  }

  /** The other replicas can be heard from now on. */
  joined(wasAway: boolean): void {
    this.#room.hearing.joined(wasAway, this.#now);
    this.parts.cluster.joined(this.#now);
  }

  /** They can't be heard until they can again. */
  left(): void {
    this.parts.cluster.left(this.#now);
    this.#readmission.left();
  }

  /** Another replica was heard. */
  heard(heartbeat: Heartbeat): void {
    this.#room.heard(heartbeat, this.#now);
    this.#readmission.tick(this.#now);
  }

  /** Nothing is published before the other replicas were heard. */
  hearOthers(hearing: number): void {
    this.#readmission.hear(hearing, this.#now);
  }

  /** The log's status has changed. */
  statusChanged(status: LogStatus): void {
    this.healer.logStatusChanged(status);
  }

  /** Does what is due. */
  tick(): void {
    this.#readmission.tick(this.#now);
    this.healer.tick(this.#now);
  }
}
