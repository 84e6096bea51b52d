/**
 * When the broker lost something, and how long it took to be over it. It does
 * no I/O; times are in milliseconds of one clock.
 *
 * @module
 */
import type { ChangeRecord } from "./history.ts";

/** Some times, in milliseconds. */
export interface Times {
  readonly count: number;
  readonly median_ms: number;
  readonly max_ms: number;
}

/** The losses of a run. */
export class LossTimes {
  readonly #underLoad_ms: number[] = [];
  readonly #whole_ms: number[] = [];
  #count = 0;
  #last_ms = 0;

  /** How often something was lost. */
  get count(): number {
    return this.#count;
  }

  /** How often the log was made whole. */
  get healings(): number {
    return this.#whole_ms.length;
  }

  /**
   * Something is lost, and the broker answers again.
   *
   * @param isUnderLoad Whether clients go on setting meanwhile.
   */
  lost(now_ms: number, isUnderLoad: boolean): void {
    this.#count++;
    this.#last_ms = now_ms;
    if (isUnderLoad) this.#underLoad_ms.push(now_ms);
  }

  /** The log is whole again. */
  whole(now_ms: number): void {
    this.#whole_ms.push(now_ms - this.#last_ms);
  }

  /** From each loss until the log was whole, also where healers were killed. */
  get untilWhole(): Times {
    return timesOf(this.#whole_ms);
  }

  /**
   * @param changes What clients asked for.
   * @returns From each loss under load until every replica had acknowledged a
   * change that it was asked for after the loss.
   */
  untilSets(changes: readonly ChangeRecord[]): Times {
    const acknowledged = changes.filter(({ outcome }) =>
      outcome.type === "acknowledged"
    );
    const replicas = new Set(acknowledged.map(({ replica }) => replica));
    return timesOf(this.#underLoad_ms.map((lost_ms) => {
      const later = acknowledged.filter(({ asked_ms }) => asked_ms > lost_ms);
      const firsts = [...replicas].map((replica) =>
        Math.min(
          ...later.filter((one) => one.replica === replica)
            .map(({ answered_ms }) => answered_ms),
        )
      );
      return Math.max(...firsts) - lost_ms;
    }));
  }
}

function timesOf(times_ms: readonly number[]): Times {
  const sorted = times_ms.map(Math.round).sort((a, b) => a - b);
  return {
    count: sorted.length,
    median_ms: sorted[sorted.length >> 1] ?? 0,
    max_ms: sorted.at(-1) ?? 0,
  };
}
