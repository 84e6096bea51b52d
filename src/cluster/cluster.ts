/**
 * The cluster as one replica sees it: announces this replica, listens to the
 * others, and watches that all are equal.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import {
  ANNOUNCED_CHECKPOINTS_MAX,
  type Announcement,
  encodeAnnouncement,
  InvalidAnnouncementError,
  parseAnnouncement,
} from "./announcement.ts";
import { type Difference, Equality, type OwnState } from "./equality.ts";
import { clusterRows } from "./cluster_rows.ts";
import { type Peer, Presence } from "./presence.ts";

const logger = getLogger(["usergrade", "cluster"]);

/** How often a replica announces itself; a new state it announces at once. */
const ANNOUNCE_MS = 2_000;

/** A replica as its cluster needs to know it. */
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
  /** @returns The digest at a sequence; undefined if it is not known any more. */
  digestAt(sequence: number): string | undefined;
}

/** What the cluster needs of the outside. */
export interface ClusterPorts {
  /** Sends an announcement to the other replicas; undefined if there are none. */
  readonly announce:
    | ((bytes: Uint8Array<ArrayBuffer>) => void)
    | undefined;
  /** The time in milliseconds, never going back. */
  now(): number;
  /** 32 hex digits that no other start of a replica has. */
  readonly session: string;
}

/** One replica's view of its cluster. */
export class Cluster {
  readonly #presence = new Presence();
  readonly #equality = new Equality();
  #announcedAt = -Infinity;
  #announcedState = "";
  /** Whether other replicas can be heard. */
  #presenceState: "on" | "off" | "standalone";
  #dropped = 0;
  #loggedAlone: string | null = null;
  /** The last other start of a replica with this one's id. */
  #loggedDouble = "";

  /**
   * @param identity This replica's id and version.
   * @param replica This replica.
   * @param ports The log and the clock.
   */
  constructor(
    private readonly identity: {
      readonly replicaId: string;
      readonly version: string;
    },
    private readonly replica: LocalReplica,
    private readonly ports: ClusterPorts,
  ) {
    this.#presenceState = ports.announce === undefined ? "standalone" : "on";
  }

  /** Whether this replica differs, or has differed, from one that still counts. */
  get diverged(): boolean {
    return this.#equality.diverged;
  }

  /** How many differences between this replica and others there were. */
  get differences(): number {
    return this.#equality.count;
  }

  /** How many other replicas are heard of. */
  get peersAlive(): number {
    return this.#presence.peers(this.ports.now())
      .filter(({ isGone }) => !isGone).length;
  }

  /** How many announcements were dropped because no replica can have made them. */
  get droppedAnnouncements(): number {
    return this.#dropped;
  }

  /** Announces this replica if it is time. To be called a few times a second. */
  tick(): void {
    const { announce } = this.ports;
    if (announce === undefined) return;
    const now = this.ports.now();
    const { state, connected } = this.replica;
    const announced = `${state} ${connected}`;
    if (
      announced === this.#announcedState &&
      now - this.#announcedAt < ANNOUNCE_MS
    ) return;
    this.#announcedState = announced;
    this.#announcedAt = now;
    announce(encodeAnnouncement(this.#ownAnnouncement()));
  }

  #ownAnnouncement(): Announcement {
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
      checkpoints: replica.checkpoints(ANNOUNCED_CHECKPOINTS_MAX),
    };
  }

  /** Takes what came on a replica's subject, from anyone. */
  heard(replicaId: string, bytes: Uint8Array): void {
    let announcement: Announcement;
    try {
      announcement = parseAnnouncement(replicaId, bytes);
    } catch (error) {
      if (!(error instanceof InvalidAnnouncementError)) throw error;
      this.#dropped++;
      return;
    }
    if (replicaId === this.identity.replicaId) {
      this.#noteDouble(announcement);
      return;
    }
    const now = this.ports.now();
    if (!this.#presence.hear(announcement, now)) {
      this.#dropped++;
      return;
    }
    // While the log is away it may be another one when it is back.
    const difference = this.replica.connected
      ? this.#equality.compare(this.#ownState(), announcement)
      : undefined;
    const peers = this.#presence.peers(now);
    this.#equality.settle(this.identity.replicaId, peers);
    this.#report(difference, peers);
  }

  #ownState(): OwnState {
    const { replica } = this;
    return {
      state: replica.state,
      logId: replica.log?.id ?? null,
      digestAt: (sequence) => replica.digestAt(sequence),
    };
  }

  #noteDouble({ session, state }: Announcement): void {
    if (
      session === this.ports.session || session === this.#loggedDouble ||
      // One that is on its way out may overlap with the next.
      state === "draining"
    ) return;
    this.#loggedDouble = session;
    logger.error(
      "Another replica runs with REPLICA_ID {replica_id}: give each its own",
      { replica_id: this.identity.replicaId },
    );
  }

  #report(difference: Difference | undefined, peers: readonly Peer[]): void {
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
    const alone = this.#equality.standsAlone(replicaId, peers);
    if (alone !== null && alone !== this.#loggedAlone) {
      logger.error(
        "Replica {alone} stands alone: it differs from all others, which are equal",
        { alone },
      );
    }
    this.#loggedAlone = alone;
  }

  /** Announcements were dropped before they came here. */
  noteDropped(count: number): void {
    this.#dropped += count;
  }

  /** No one is heard, or hears this replica, from now on. */
  off(reason: string): void {
    this.#presenceState = "off";
    logger.warn(
      "Replicas do not see each other, and equality is not watched: {reason}",
      { reason },
    );
  }

  /** @returns The object of `/cluster`: this replica and all that it knows of. */
  view() {
    return {
      replica_id: this.identity.replicaId,
      presence: this.#presenceState,
      diverged: this.diverged,
      ...clusterRows(
        this.#ownAnnouncement(),
        this.replica.connected,
        this.#presence.peers(this.ports.now()),
        this.#equality,
      ),
    };
  }
}
