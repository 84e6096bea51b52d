/**
 * Whether replicas have diverged: their digests are compared at a sequence of
 * the same log that both know. It does no I/O.
 *
 * @module
 */
import type { Heartbeat } from "./heartbeat.ts";
import { type Member, MEMBERS_MAX } from "./members.ts";

/**
 * The states in which storage is the log applied in order. While a replica
 * restores, storage is part of a snapshot. A replica that is ahead of its log
 * reports that itself, and is expected to differ from those that follow the log.
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
  /** The session of the other replica. */
  readonly session: string;
  readonly sequence: number;
  /** This replica's digest at the sequence, and the other's. */
  readonly ownDigest: string;
  readonly digest: string;
}

/** This replica, as the comparison needs it. */
export interface OwnState {
  readonly state: string;
  /** Null before the log is open. */
  readonly logId: string | null;
  /** @returns The digest at a sequence; undefined if it is no longer known. */
  digestAt(sequence: number): string | undefined;
}

/** The last comparison with a replica. */
interface Comparison {
  readonly session: string;
  readonly sequence: number;
  readonly isEqual: boolean;
}

/** The comparisons of one replica with all other members. */
export class Divergence {
  /** By replica id; invariant: no more than {@linkcode MEMBERS_MAX}. */
  readonly #last = new Map<string, Comparison>();
  /**
   * Unsettled differences by replica id; invariant: no more than
   * {@linkcode MEMBERS_MAX}.
   */
  readonly #differences = new Map<string, Difference>();
  /** The unsettled differences in which the other replica stood alone. */
  readonly #stoodAlone = new Map<string, Difference>();
  /** Whether a difference was replaced that can never be settled. */
  #isUnsettled = false;
  #count = 0;

  /** Whether this replica has a difference that is not settled. */
  get diverged(): boolean {
    return this.#isUnsettled || this.#differences.size > 0;
  }

  /** How many differences were found since the start. */
  get count(): number {
    return this.#count;
  }

  /**
   * Compares this replica with another at the highest sequence that both know.
   *
   * @param own This replica.
   * @param other The other replica's heartbeat.
   * @returns The difference, if it is new.
   */
  compare(own: OwnState, other: Heartbeat): Difference | undefined {
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
    { replica_id: replicaId, session }: Heartbeat,
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
   * Settles differences that are over. A difference is over when the other
   * replica stood alone while it ran, has ended or restarted, and a running
   * replica equals this one. While the other replica runs, the difference
   * stays: even if its records were overwritten since, it gave wrong answers.
   * If the other replica did not stand alone, the difference stays too: this
   * replica may be the wrong one, and the other may be equal now only because
   * it was restored from this one. A replica that says that it is forked has
   * told the reason itself, a moment later.
   *
   * @param ownId This replica's id.
   * @param members The other replicas.
   */
  settle(ownId: string, members: readonly Member[]): void {
    const alone = this.standsAlone(ownId, members);
    if (alone === ownId) this.#stoodAlone.clear();
    const isConfirmed = members.some((member) => this.equals(member) === true);
    for (const [replicaId, difference] of this.#differences) {
      const runs = members.some(({ heartbeat, isGone }) =>
        !isGone && heartbeat.replica_id === replicaId &&
        heartbeat.session === difference.session
      );
      const isForked = members.some(({ heartbeat }) =>
        heartbeat.replica_id === replicaId &&
        heartbeat.session === difference.session &&
        heartbeat.state === "forked"
      );
      if (isForked) {
        this.#differences.delete(replicaId);
        this.#stoodAlone.delete(replicaId);
      } else if (runs && alone === replicaId) {
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
   * @returns Whether a replica equals this one; null if it is gone, or if there
   * was no common sequence yet.
   */
  equals({ heartbeat, isGone }: Member): boolean | null {
    const { replica_id, session } = heartbeat;
    if (this.#differences.get(replica_id)?.session === session) return false;
    const last = this.#last.get(replica_id);
    return last === undefined || last.session !== session || isGone
      ? null
      : last.isEqual;
  }

  /** @returns The last sequence at which a replica was compared, or null. */
  comparedAt({ heartbeat: { replica_id, session } }: Member): number | null {
    const last = this.#last.get(replica_id);
    return last?.session === session ? last.sequence : null;
  }

  /**
   * With two replicas that differ, neither can tell which is wrong. With three,
   * two equal ones show that the third is wrong.
   *
   * @param ownId This replica's id.
   * @param members The other replicas.
   * @returns The id of the replica that differs from two or more equal ones;
   * null if there is none.
   */
  standsAlone(ownId: string, members: readonly Member[]): string | null {
    const alive = members.filter(({ isGone }) => !isGone);
    const different = alive.filter((member) => this.equals(member) === false);
    const equal = alive.filter((member) => this.equals(member) === true);
    if (equal.length > 0) {
      return different.length === 1 ? different[0].heartbeat.replica_id : null;
    }
    const [first, ...others] = different.map(({ heartbeat }) => heartbeat);
    return others.length > 0 && others.every((one) => agree(first, one))
      ? ownId
      : null;
  }
}

/** The sequences for which a heartbeat has a digest. */
function points(one: Heartbeat): [sequence: number, digest: string][] {
  return [...one.checkpoints, [one.applied_sequence, one.digest]];
}

/** Whether two heartbeats have the same digest at their highest common sequence. */
function agree(a: Heartbeat, b: Heartbeat): boolean {
  const known = new Map(points(a));
  const common = points(b).filter(([sequence]) => known.has(sequence))
    .sort(([x], [y]) => y - x)[0];
  return common !== undefined && known.get(common[0]) === common[1];
}

/** Sets a key; drops the oldest one when there are too many. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  if (map.size >= MEMBERS_MAX) map.delete(map.keys().next().value!);
  map.set(key, value);
}
