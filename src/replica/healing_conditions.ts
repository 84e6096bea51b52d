/**
 * Why a replica takes no sets beside what its log says, from those who find it
 * out: the healer, and whoever hears the other replicas.
 *
 * @module
 */
import type { HealingCondition } from "./healing_facts.ts";

/** Holds what is true at present, and tells what counts. */
export class HealingConditions {
  /** For good: only a new start can take over the other history. */
  #forked: HealingCondition | undefined;
  /** Of the log: it is being made whole, or can't be. */
  #ofLog: HealingCondition | undefined;
  #waiting: HealingCondition | undefined;

  /** What counts; undefined if nothing keeps sets away. */
  get current(): HealingCondition | undefined {
    return this.#forked ?? this.#ofLog ?? this.#waiting;
  }

  /** @param condition What is true now; undefined if nobody is waited for. */
  change(condition: HealingCondition | undefined): void {
    switch (condition?.type) {
      case "forked":
        this.#forked ??= condition;
        return;
      case "waiting":
        this.#waiting = condition;
        return;
      case "healing":
      case "unhealed":
        this.#ofLog = condition;
        return;
      case undefined:
        this.#waiting = undefined;
    }
  }

  /** The log is open: it is not made from a file any more. */
  logOpened(): void {
    this.#ofLog = undefined;
  }

  /**
   * The log has lost nothing that the replica applied: it can be proposed to, or
   * was cut beyond it.
   */
  logIsWhole(): void {
    this.#ofLog = undefined;
  }
}
