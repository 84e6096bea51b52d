/**
 * The heal points of a state: where its log was made whole from a replica. They
 * are part of the state: two replicas at the same sequence have the same.
 *
 * @module
 */
import type { HealPoint } from "../log/healable_log.ts";
import type { HealPointsData } from "../snapshot/snapshot.ts";

/** How many of the newest are kept. */
export const HEAL_POINTS_MAX = 32;

/** The heal points of one state; it never changes. */
export class HealPoints {
  static readonly NONE = new HealPoints(0, []);

  private constructor(
    /** How many there ever were. */
    readonly count: number,
    /**
     * The newest, in their order. Invariant: at most
     * {@linkcode HEAL_POINTS_MAX}.
     */
    readonly points: readonly HealPoint[],
  ) {}

  /** @returns What a snapshot says, none if it says nothing. */
  static from(data: HealPointsData | undefined): HealPoints {
    return data === undefined
      ? HealPoints.NONE
      : new HealPoints(data.count, data.points.slice(-HEAL_POINTS_MAX));
  }

  /** The newest; undefined if there is none. */
  get last(): HealPoint | undefined {
    return this.points.at(-1);
  }

  /** What a snapshot says of them; undefined if there is none. */
  get data(): HealPointsData | undefined {
    const { count, points } = this;
    return count === 0 ? undefined : { count, points };
  }

  /** Whether a point is one of those that are kept. */
  knows({ sequence, digest }: HealPoint): boolean {
    return this.points.some((one) =>
      one.sequence === sequence && one.digest === digest
    );
  }

  /** Whether a point is older than all that are kept: it may be one of these. */
  isTooOldToKnow(sequence: number): boolean {
    return this.count > this.points.length && this.points.length > 0 &&
      sequence < this.points[0].sequence;
  }

  /** @returns These and one more. */
  with(point: HealPoint): HealPoints {
    return new HealPoints(
      this.count + 1,
      [...this.points, point].slice(-HEAL_POINTS_MAX),
    );
  }
}
