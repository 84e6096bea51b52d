/**
 * The heal points of a state: where its log was made whole from a replica. They
 * are part of the state: two replicas at the same sequence have the same.
 *
 * @module
 */
import type { HealPoint } from "../log/log.ts";

/** How many of the newest are kept. */
export const HEAL_POINTS_MAX = 32;

/** What a snapshot says of the heal points of its state. */
export interface HealPointsData {
  /** How many there ever were. */
  readonly count: number;
  /** The newest, in their order; at most {@linkcode HEAL_POINTS_MAX}. */
  readonly points: readonly HealPoint[];
}

/** The heal points of one state; it never changes. */
export class HealPoints implements HealPointsData {
  static readonly NONE = new HealPoints(0, []);

  private constructor(
    readonly count: number,
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

  /** Whether a point is one of those that are kept. */
  knows({ sequence, digest }: HealPoint): boolean {
    return this.points.some((one) =>
      one.sequence === sequence && one.digest === digest
    );
  }

  /** @returns These and one more. */
  with(point: HealPoint): HealPoints {
    return new HealPoints(
      this.count + 1,
      [...this.points, point].slice(-HEAL_POINTS_MAX),
    );
  }
}
