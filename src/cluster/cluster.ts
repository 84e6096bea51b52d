/**
 * The cluster as one replica sees it: sends this replica's heartbeats, takes
 * those of the others, and compares the digests.
 *
 * @module
 */
import { Alarms } from "./alarms.ts";
import { Divergence, type OwnState } from "./divergence.ts";
import {
  type Heartbeat,
  HEARTBEAT_HEARS_MAX,
  InvalidHeartbeatError,
  parseHeartbeat,
} from "./heartbeat.ts";
import {
  HeartbeatSender,
  type Identity,
  type LocalReplica,
  type SendHeartbeat,
} from "./heartbeat_sender.ts";
import type { OtherReplica } from "../replica/healing_facts.ts";
import { Members } from "./members.ts";
import { otherReplicas } from "./other_replicas.ts";
import { type OtherLog, OtherLogs } from "./other_logs.ts";
import { RollCall } from "./roll_call.ts";
import { type SeenReplica, seenReplicas } from "./seen_replicas.ts";

/** What the cluster needs from outside. */
export interface ClusterPorts {
  /** Undefined when standalone. */
  readonly sendHeartbeat: SendHeartbeat | undefined;
  /** Takes a heartbeat of another replica. */
  heard(heartbeat: Heartbeat): void;
  /** Reads a message; {@linkcode parseHeartbeat} if left out. */
  readonly parse?: typeof parseHeartbeat;
}

/** The cluster at one moment. */
export interface ClusterView {
  /** Whether heartbeats are exchanged. */
  readonly presence: "on" | "off" | "standalone";
  /** Whether this replica has a difference that is not settled. */
  readonly diverged: boolean;
  /** The replica that differs from all others, which are equal; null if none. */
  readonly standsAlone: string | null;
  /** Who follows another log under the names of this one. */
  readonly otherLogs: readonly OtherLog[];
  /** All replicas in the order of their ids. */
  readonly replicas: readonly SeenReplica[];
}

/**
 * One replica's view of its cluster. All times are milliseconds of one clock
 * that never goes back.
 */
export class Cluster {
  readonly #members = new Members();
  readonly #divergence = new Divergence();
  readonly #otherLogs = new OtherLogs();
  readonly #rollCall = new RollCall();
  readonly #sender: HeartbeatSender;
  readonly #alarms: Alarms;
  #presence: ClusterView["presence"];
  #dropped = 0;

  /**
   * @param identity This replica's id, version and session.
   * @param replica This replica.
   * @param ports The way to the other replicas.
   */
  constructor(
    private readonly identity: Identity,
    private readonly replica: LocalReplica,
    private readonly ports: ClusterPorts,
  ) {
    this.#sender = new HeartbeatSender(
      identity,
      replica,
      ports.sendHeartbeat ?? (() => {}),
      (now_ms) => {
        const ids = this.#members.holders(now_ms);
        return ids.length > HEARTBEAT_HEARS_MAX ? undefined : ids;
      },
    );
    this.#alarms = new Alarms(identity);
    this.#presence = ports.sendHeartbeat === undefined ? "standalone" : "on";
  }

  /** Whether this replica has a difference that is not settled. */
  get diverged(): boolean {
    return this.#divergence.diverged;
  }

  /** How many differences were found since the start. */
  get differences(): number {
    return this.#divergence.count;
  }

  /** @returns How many other replicas are alive. */
  membersAlive(now_ms: number): number {
    return this.#members.list(now_ms)
      .filter(({ isGone }) => !isGone).length;
  }

  /** How many heartbeats were dropped: not a replica's, or too many. */
  get droppedHeartbeats(): number {
    return this.#dropped;
  }

  /** @returns Who follows another log under the names of this one. */
  otherLogs(now_ms: number): OtherLog[] {
    return this.#otherLogs.list(
      this.replica.log?.id,
      this.#members.list(now_ms),
    );
  }

  /** The others can be heard from now on: asks who they are. */
  joined(now_ms: number): void {
    this.#rollCall.joined(this.#members.present(now_ms), now_ms);
    this.#sender.ask(now_ms);
  }

  /** The others can't be heard until they can again. */
  left(now_ms: number): void {
    this.#rollCall.left(this.#members.present(now_ms), now_ms);
  }

  /** Begins to hear all: asks them anew unless a connection has just done it. */
  hearAll(now_ms: number): void {
    const isAnew = this.#rollCall.begin(this.#members.present(now_ms), now_ms);
    if (isAnew) this.#sender.ask(now_ms);
  }

  /** @returns The others, in the order of their ids, as they are heard now. */
  others(now_ms: number): OtherReplica[] {
    const { connected_ms } = this.#rollCall;
    return otherReplicas(
      this.#members.list(now_ms),
      connected_ms === undefined ? undefined : now_ms - connected_ms,
    );
  }

  /**
   * @returns The ids of those that were there when the connection was lost, or
   * when all were asked, and have not been heard since. They are given up after
   * a while.
   */
  awaited(now_ms: number): string[] {
    return this.isOff ? [] : this.#rollCall.awaited(now_ms);
  }

  /** @returns Whether all that may be there had time to answer. */
  hasHeardAll(now_ms: number): boolean {
    return this.isOff || this.#rollCall.isOver(now_ms);
  }

  /** Whether nobody can be heard: NATS does not allow it. */
  get isOff(): boolean {
    return this.#presence === "off";
  }

  /** Sends a heartbeat if one is due. Call it a few times a second. */
  tick(now_ms: number): void {
    if (this.#presence !== "standalone") this.#sender.tick(now_ms);
  }

  /**
   * Takes what a configured peer says.
   *
   * @param logId Its log; undefined if it does not answer or holds none.
   */
  peerSaid(peer: string, logId: string | undefined, now_ms: number): void {
    this.#otherLogs.peerSaid(peer, logId);
    this.#reportOtherLogs(now_ms);
  }

  /**
   * Takes a message that came on a replica's subject. Anyone may have sent it.
   *
   * @param replicaId The replica id in the subject.
   * @param bytes The message.
   * @param now_ms The time.
   */
  heard(replicaId: string, bytes: Uint8Array, now_ms: number): void {
    let heartbeat: Heartbeat;
    try {
      heartbeat = (this.ports.parse ?? parseHeartbeat)(replicaId, bytes);
    } catch (error) {
      if (!(error instanceof InvalidHeartbeatError)) throw error;
      this.#dropped++;
      return;
    }
    if (replicaId === this.identity.replicaId) {
      return this.#alarms.double(heartbeat);
    }
    const isNew = !this.#members.knows(heartbeat);
    if (!this.#members.hear(heartbeat, now_ms)) {
      this.#dropped++;
      return;
    }
    this.#rollCall.heard(replicaId);
    if (isNew || heartbeat.asks === true) this.#sender.answer(now_ms);
    this.ports.heard(heartbeat);
    this.#reportOtherLogs(now_ms);
    // While the broker is away, its log may be replaced by another one.
    const difference = this.replica.connected
      ? this.#divergence.compare(this.#ownState(), heartbeat)
      : undefined;
    const members = this.#members.list(now_ms);
    this.#divergence.settle(this.identity.replicaId, members);
    if (difference !== undefined) this.#alarms.diverged(difference);
    this.#alarms.standsAlone(
      this.#divergence.standsAlone(this.identity.replicaId, members),
    );
  }

  #ownState(): OwnState {
    const { replica } = this;
    return {
      state: replica.state,
      logId: replica.log?.id ?? null,
      digestAt: (sequence) => replica.digestAt(sequence),
    };
  }

  #reportOtherLogs(now_ms: number): void {
    this.#alarms.twoLogs(
      this.#otherLogs.news(this.otherLogs(now_ms)),
      this.replica.log?.id,
    );
  }

  /** Counts heartbeats that were dropped on the way. */
  noteDropped(count: number): void {
    this.#dropped += count;
  }

  /** Heartbeats are not sent or not received from now on: NATS forbids it. */
  off(reason: string): void {
    this.#presence = "off";
    this.#alarms.off(reason);
  }

  /** Heartbeats are sent and received again: asks who is there. */
  on(now_ms: number): void {
    this.#presence = "on";
    this.#alarms.on();
    this.joined(now_ms);
  }

  /** @returns This replica and the others. */
  view(now_ms: number): ClusterView {
    return {
      presence: this.#presence,
      diverged: this.diverged,
      otherLogs: this.otherLogs(now_ms),
      ...seenReplicas(
        this.#sender.current(),
        this.replica.connected,
        this.#members.list(now_ms),
        this.#divergence,
        (id) => this.#isUnheard(id, now_ms),
      ),
    };
  }

  /** Whether a replica may be there although it is silent. */
  #isUnheard(id: string, now_ms: number): boolean {
    if (this.#presence !== "on") return this.isOff;
    return this.#rollCall.isDeaf || this.#rollCall.awaited(now_ms).includes(id);
  }
}
