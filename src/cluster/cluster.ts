/**
 * The cluster as one replica sees it: sends this replica's heartbeats, takes
 * those of the others, and compares the digests.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import {
  encodeHeartbeat,
  type Heartbeat,
  HEARTBEAT_CHECKPOINTS_MAX,
  InvalidHeartbeatError,
  parseHeartbeat,
} from "./heartbeat.ts";
import { type Difference, Divergence, type OwnState } from "./divergence.ts";
import { type Member, Members } from "./members.ts";
import { type SeenReplica, seenReplicas } from "./seen_replicas.ts";

const logger = getLogger(["usergrade", "cluster"]);

/** The interval between heartbeats; a new state is sent at once. */
const HEARTBEAT_MS = 2_000;

/** This replica, as the cluster needs it. */
export interface LocalReplica {
  readonly state: string;
  readonly reason: string;
  /** Whether the log can be proposed to. */
  readonly connected: boolean;
  readonly log: { readonly id: string } | undefined;
  readonly appliedSequence: number;
  readonly lastSequence: number;
  readonly users: number;
  readonly digest: string;
  readonly restoreProgress:
    | { readonly rows: number; readonly percent: number }
    | undefined;
  /** @returns The newest checkpoints with their digests, at most `count`. */
  checkpoints(count: number): [sequence: number, digest: string][];
  /** @returns The digest at a sequence; undefined if it is no longer known. */
  digestAt(sequence: number): string | undefined;
}

/** What the cluster needs from outside. */
export interface ClusterPorts {
  /** Sends a heartbeat to the other replicas; undefined when standalone. */
  readonly sendHeartbeat:
    | ((bytes: Uint8Array<ArrayBuffer>) => void)
    | undefined;
  /** 32 hex digits, unique for each start of a replica. */
  readonly session: string;
}

/** The cluster at one moment. */
export interface ClusterView {
  /** Whether heartbeats are exchanged. */
  readonly presence: "on" | "off" | "standalone";
  /** Whether this replica has a difference that is not settled. */
  readonly diverged: boolean;
  /** The replica that differs from all others, which are equal; null if none. */
  readonly standsAlone: string | null;
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
  #sentAt_ms = -Infinity;
  #sentState = "";
  #presence: ClusterView["presence"];
  #dropped = 0;
  #loggedAlone: string | null = null;
  /** The last session of another replica with this one's id. */
  #loggedDouble = "";

  /**
   * @param identity This replica's id and version.
   * @param replica This replica.
   * @param ports The way to the other replicas.
   */
  constructor(
    private readonly identity: {
      readonly replicaId: string;
      readonly version: string;
    },
    private readonly replica: LocalReplica,
    private readonly ports: ClusterPorts,
  ) {
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

  /** Sends a heartbeat if one is due. Call it a few times a second. */
  tick(now_ms: number): void {
    const { sendHeartbeat } = this.ports;
    if (sendHeartbeat === undefined) return;
    const { state, connected } = this.replica;
    const sentState = `${state} ${connected}`;
    if (
      sentState === this.#sentState &&
      now_ms - this.#sentAt_ms < HEARTBEAT_MS
    ) return;
    this.#sentState = sentState;
    this.#sentAt_ms = now_ms;
    sendHeartbeat(encodeHeartbeat(this.#ownHeartbeat()));
  }

  #ownHeartbeat(): Heartbeat {
    const { replica, identity, ports } = this;
    const progress = replica.restoreProgress;
    return {
      replica_id: identity.replicaId,
      session: ports.session,
      version: identity.version,
      state: replica.state,
      reason: replica.reason,
      log_id: replica.log?.id ?? null,
      applied_sequence: replica.appliedSequence,
      last_sequence: replica.lastSequence,
      users: replica.users,
      digest: replica.digest,
      restore: progress === undefined
        ? null
        : { rows: progress.rows, percent: progress.percent },
      checkpoints: replica.checkpoints(HEARTBEAT_CHECKPOINTS_MAX),
    };
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
      heartbeat = parseHeartbeat(replicaId, bytes);
    } catch (error) {
      if (!(error instanceof InvalidHeartbeatError)) throw error;
      this.#dropped++;
      return;
    }
    if (replicaId === this.identity.replicaId) {
      this.#noteDouble(heartbeat);
      return;
    }
    if (!this.#members.hear(heartbeat, now_ms)) {
      this.#dropped++;
      return;
    }
    // While the broker is away, its log may be replaced by another one.
    const difference = this.replica.connected
      ? this.#divergence.compare(this.#ownState(), heartbeat)
      : undefined;
    const members = this.#members.list(now_ms);
    this.#divergence.settle(this.identity.replicaId, members);
    this.#report(difference, members);
  }

  #ownState(): OwnState {
    const { replica } = this;
    return {
      state: replica.state,
      logId: replica.log?.id ?? null,
      digestAt: (sequence) => replica.digestAt(sequence),
    };
  }

  #noteDouble({ session, state }: Heartbeat): void {
    if (
      session === this.ports.session || session === this.#loggedDouble ||
      // A replica that is stopping may overlap with its next start.
      state === "draining"
    ) return;
    this.#loggedDouble = session;
    logger.error(
      "Another replica runs with REPLICA_ID {replica_id}: give each its own",
      { replica_id: this.identity.replicaId },
    );
  }

  #report(
    difference: Difference | undefined,
    members: readonly Member[],
  ): void {
    const { replicaId } = this.identity;
    if (difference !== undefined) {
      logger.error(
        "DIVERGED: replicas {replica_id} and {other} differ at sequence {sequence}: digests {digest} and {other_digest}",
        {
          replica_id: replicaId,
          other: difference.replicaId,
          sequence: difference.sequence,
          digest: difference.ownDigest,
          other_digest: difference.digest,
        },
      );
    }
    const alone = this.#divergence.standsAlone(replicaId, members);
    if (alone !== null && alone !== this.#loggedAlone) {
      logger.error(
        "Replica {alone} stands alone: it differs from all others, which are equal",
        { alone },
      );
    }
    this.#loggedAlone = alone;
  }

  /** Counts heartbeats that were dropped on the way. */
  noteDropped(count: number): void {
    this.#dropped += count;
  }

  /** Heartbeats are neither sent nor received from now on. */
  off(reason: string): void {
    this.#presence = "off";
    logger.warn(
      "Replicas do not see each other, and their digests are not compared: {reason}",
      { reason },
    );
  }

  /** @returns This replica and the others. */
  view(now_ms: number): ClusterView {
    return {
      presence: this.#presence,
      diverged: this.diverged,
      ...seenReplicas(
        this.#ownHeartbeat(),
        this.replica.connected,
        this.#members.list(now_ms),
        this.#divergence,
      ),
    };
  }
}
