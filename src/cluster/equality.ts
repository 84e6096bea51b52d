/**
 * Whether replicas are equal: their digests are compared where both say one at
 * the same sequence of the same log. It does no I/O.
 *
 * @module
 */
import type { Announcement } from "./announcement.ts";
import { type Peer, PEERS_MAX } from "./presence.ts";

/**
 * The states in which storage is the log applied in order. While restoring it
 * is part of a base; a replica that is ahead of its log differs from those
 * that follow the log, says so itself and is not to be held against them.
 */
const COMPARABLE_STATES: readonly string[] = [
  "catching_up",
  "ready",
  "upgrade_required",
  "draining",
];

/** A replica that differed from this one at a sequence. */
export interface Difference {
  readonly replicaId: string;
  /** The start of the other replica that differed. */
  readonly session: string;
  readonly sequence: number;
  /** This replica's digest there, and the other's. */
  readonly ownDigest: string;
  readonly digest: string;
}

/** What this replica knows of itself. */
export interface OwnState {
  readonly state: string;
  /** Null before the log is open. */
  readonly logId: string | null;
  /** @returns The digest at a sequence; undefined if it is not known any more. */
  digestAt(sequence: number): string | undefined;
}

/** The last comparison with a replica. */
interface Comparison {
  readonly session: string;
  readonly sequence: number;
  readonly isEqual: boolean;
}

/** The comparisons of one replica with all others. */
export class Equality {
  /** By replica id; invariant: no more than {@linkcode PEERS_MAX}. */
  readonly #last = new Map<string, Comparison>();
  /**
   * By replica id, the differences that are not settled; invariant: no more
   * than {@linkcode PEERS_MAX}.
   */
  readonly #differences = new Map<string, Difference>();
  /** Those of them in which the other one stood alone, by its id. */
  readonly #stoodAlone = new Map<string, Difference>();
  /** Whether one can't be settled any more, and is not among them. */
  #isUnsettled = false;
  #count = 0;

  /** Whether this replica differs, or has differed, from one that still counts. */
  get diverged(): boolean {
    return this.#isUnsettled || this.#differences.size > 0;
  }

  /** How many differences there were since the start. */
  get count(): number {
    return this.#count;
  }

  /**
   * Compares this replica with another, at the highest sequence that both know.
   *
   * @returns The difference, if it is a new one.
   */
  compare(own: OwnState, other: Announcement): Difference | undefined {
    if (
      own.logId === null || own.logId !== other.log_id ||
      !COMPARABLE_STATES.includes(own.state) ||
      !COMPARABLE_STATES.includes(other.state)
    ) return undefined;
    let common: Omit<Difference, "replicaId" | "session"> | undefined;
    for (const [sequence, digest] of points(other)) {
      const ownDigest = own.digestAt(sequence);
      if (ownDigest !== undefined && sequence >= (common?.sequence ?? 0)) {
        common = { sequence, digest, ownDigest };
      }
    }
    return common && this.#note(other, common);
  }

  #note(
    { replica_id: replicaId, session }: Announcement,
    common: Omit<Difference, "replicaId" | "session">,
  ): Difference | undefined {
    const isEqual = common.digest === common.ownDigest;
    remember(this.#last, replicaId, {
      session,
      sequence: common.sequence,
      isEqual,
    });
    const before = this.#differences.get(replicaId);
    if (isEqual || before?.session === session) return undefined;
    if (before !== this.#stoodAlone.get(replicaId)) this.#isUnsettled = true;
    const difference = { replicaId, session, ...common };
    remember(this.#differences, replicaId, difference);
    this.#count++;
    return difference;
  }

  /**
   * Settles what is over: a difference with a replica that stood alone while it
   * ran, and has ended or was started anew, once one that runs is equal to this
   * one. As long as the other runs it is never over: that the records were
   * overwritten since does not unsay the answers given meanwhile. And if it did
   * not stand alone, it may have been this one that was wrong, and the other may
   * be equal now because it was filled from this one.
   *
   * @param ownId This replica's id.
   * @param peers The replicas that are remembered.
   */
  settle(ownId: string, peers: readonly Peer[]): void {
    const alone = this.standsAlone(ownId, peers);
    if (alone === ownId) this.#stoodAlone.clear();
    const isConfirmed = peers.some((peer) => this.equals(peer) === true);
    for (const [replicaId, difference] of this.#differences) {
      const runs = peers.some(({ announcement, isGone }) =>
        !isGone && announcement.replica_id === replicaId &&
        announcement.session === difference.session
      );
      if (runs && alone === replicaId) {
        this.#stoodAlone.set(replicaId, difference);
      } else if (
        !runs && isConfirmed && this.#stoodAlone.get(replicaId) === difference
      ) {
        this.#differences.delete(replicaId);
        this.#stoodAlone.delete(replicaId);
      }
    }
  }

  /**
   * @returns Whether a replica equals this one; null if it is gone, or there
   * was no common sequence yet.
   */
  equals({ announcement, isGone }: Peer): boolean | null {
    const { replica_id, session } = announcement;
    if (this.#differences.get(replica_id)?.session === session) return false;
    const last = this.#last.get(replica_id);
    return last === undefined || last.session !== session || isGone
      ? null
      : last.isEqual;
  }

  /** @returns The last sequence at which a replica was compared, or null. */
  comparedAt({ announcement: { replica_id, session } }: Peer): number | null {
    const last = this.#last.get(replica_id);
    return last?.session === session ? last.sequence : null;
  }

  /**
   * Two replicas that differ can't tell which one is wrong; three can, if two
   * of them are equal.
   *
   * @param ownId This replica's id.
   * @param peers The replicas that are remembered.
   * @returns The id of the replica that differs from two or more equal ones;
   * null if there is none, or it can't be told.
   */
  standsAlone(ownId: string, peers: readonly Peer[]): string | null {
    const alive = peers.filter(({ isGone }) => !isGone);
    const different = alive.filter((peer) => this.equals(peer) === false);
    const equal = alive.filter((peer) => this.equals(peer) === true);
    if (equal.length > 0) {
      return different.length === 1
        ? different[0].announcement.replica_id
        : null;
    }
    const [first, ...others] = different.map(({ announcement }) =>
      announcement
    );
    return others.length > 0 && others.every((one) => agree(first, one))
      ? ownId
      : null;
  }
}

/** Sequences at which an announcement says a digest. */
function points(one: Announcement): [sequence: number, digest: string][] {
  return [...one.checkpoints, [one.applied_sequence, one.digest]];
}

/** Whether two announcements say the same digest at their highest common sequence. */
function agree(a: Announcement, b: Announcement): boolean {
  const known = new Map(points(a));
  const common = points(b).filter(([sequence]) => known.has(sequence))
    .sort(([x], [y]) => y - x)[0];
  return common !== undefined && known.get(common[0]) === common[1];
}

/** Sets a key; what was set the longest ago goes when there are too many. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  if (map.size >= PEERS_MAX) map.delete(map.keys().next().value!);
  map.set(key, value);
}
