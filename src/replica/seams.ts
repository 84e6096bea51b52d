/**
 * The seams of a history: the entries at which the log may have gone another way
 * than before. A replica that has just come to a server proposes what it can to
 * the log that this server has, whatever that has lost; so the first entries of
 * each replica over each server are marked as seams when they are proposed. They
 * are part of the state: two replicas at the same sequence have the same.
 *
 * No log goes two ways without a seam on one of them. So two histories are one
 * as far as they have the same seams, and no clocks have to be compared.
 *
 * @module
 */
import type { SeamsData } from "../snapshot/snapshot.ts";

/** How many of the newest are kept: those of some twenty restarts of NATS. */
export const SEAMS_MAX = 64;

/** A seam: an entry, and when the log took it, as RFC 3339. */
export type Seam = SeamsData["points"][number];

/** A state as far as its seams tell where it comes from. */
export interface Origin {
  readonly sequence: number;
  readonly seams: Seams;
}

/** A state that may tell its seams. */
export interface ToldOrigin {
  readonly sequence: number;
  readonly seams?: SeamsData | undefined;
}

/** @returns Where a state comes from, as far as it tells. */
export function originOf({ sequence, seams }: ToldOrigin): Origin {
  return { sequence, seams: Seams.from(seams, sequence) };
}

/** The seams of one state; it never changes. */
export class Seams {
  /** Those of the state before the first entry. */
  static readonly NONE = new Seams(0, 0, []);

  private constructor(
    /** Those after this entry are known, if they are still kept. */
    readonly since: number,
    /** How many there were since. */
    readonly count: number,
    /**
     * The newest, in their order. Invariant: at most {@linkcode SEAMS_MAX}.
     */
    readonly points: Seam[],
  ) {}

  /**
   * @param data What a snapshot says; undefined if it says nothing.
   * @param sequence The snapshot's sequence.
   */
  static from(data: SeamsData | undefined, sequence: number): Seams {
    return data === undefined
      ? new Seams(sequence, 0, [])
      : new Seams(data.since, data.count, data.points.slice(-SEAMS_MAX));
  }

  /** What a snapshot says of them; undefined if none is known. */
  get data(): SeamsData | undefined {
    const { since, count, points } = this;
    return points.length === 0 ? undefined : { since, count, points };
  }

  /** @returns The newest alone, as far as so many tell. */
  newest(most: number): SeamsData | undefined {
    const { data } = this;
    return data && { ...data, points: data.points.slice(-most) };
  }

  /** Whether older ones were forgotten because there were too many. */
  get areSomeForgotten(): boolean {
    return this.count > this.points.length;
  }

  /** All seams after this entry are known. */
  get knownAfter(): number {
    return this.areSomeForgotten ? this.points[0][0] - 1 : this.since;
  }

  /** @returns Those after an entry, up to another one. */
  between(after: number, last: number): Seam[] {
    return this.points.filter(([at]) => at > after && at <= last);
  }

  /** @returns These and one more. */
  with(seam: Seam): Seams {
    return new Seams(
      this.since,
      this.count + 1,
      [...this.points, seam].slice(-SEAMS_MAX),
    );
  }
}

/**
 * @param one A state.
 * @param other Another state of the same log.
 * @returns Whether the shorter history is the beginning of the longer one:
 * `other` if it is not, `forgotten` if the longer one has had too many seams
 * since to tell, `unknown` if they were not noted at that time.
 */
export function compareSeams(
  one: Origin,
  other: Origin,
): "same" | "other" | "forgotten" | "unknown" {
  const [short, long] = one.sequence <= other.sequence
    ? [one, other]
    : [other, one];
  const after = Math.max(short.seams.knownAfter, long.seams.knownAfter);
  if (after >= short.sequence) {
    return long.seams.areSomeForgotten && short.seams.points.length > 0
      ? "forgotten"
      : "unknown";
  }
  const own = short.seams.between(after, short.sequence);
  const others = long.seams.between(after, short.sequence);
  const areSame = own.length === others.length &&
    own.every(([at, time], i) => others[i][0] === at && others[i][1] === time);
  return areSame ? "same" : "other";
}
