/**
 * What a healer tells: the operator in log lines, each once, and the replica,
 * and so the probes and the other replicas.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { LogLoss } from "../log/healable_log.ts";
import type {
  HealingCondition,
  HealingStep,
  OwnState,
} from "./healing_facts.ts";
import { describe } from "./healing_steps.ts";
import type { HealingTroubles } from "./healing_troubles.ts";

const logger = getLogger(["usergrade", "healing"]);

/** Who is told. */
export interface ReportPorts {
  /** Why the replica takes no sets has changed. */
  conditionChanged(condition: HealingCondition): void;
  /** Whether this replica can heal its log has changed. */
  healerChanged(isHealer: boolean): void;
}

/** Tells what is lost, and what is done about it. */
export class HealingReport {
  /** The loss that was logged. */
  #toldLoss = "";
  /** How many heal points the replica had; undefined before it has a state. */
  #heals: number | undefined;
  #seen = 0;

  /**
   * @param ports Who is told.
   * @param troubles Remembers why nothing is done.
   */
  constructor(
    private readonly ports: ReportPorts,
    private readonly troubles: HealingTroubles,
  ) {}

  /** How many healings the log has gone through since this replica's start. */
  get seen(): number {
    return this.#seen;
  }

  /** Whether this replica can heal its log. */
  able(isAble: boolean): void {
    this.ports.healerChanged(isAble);
  }

  /** Tells of the healings that the replica's state has gone through. */
  heals({ heals, isWhole }: OwnState): void {
    const { count, last } = heals;
    if (this.#heals !== undefined && count > this.#heals) {
      this.#seen += count - this.#heals;
      logger.warn(
        "The log was healed to entry {sequence} (digest {digest}); it was healed {count} times in all",
        { ...last, count },
      );
    }
    if (isWhole || this.#heals !== undefined) this.#heals = count;
  }

  /** Tells what is lost for sure. */
  loss(
    { lastSequence, type, reason }: LogLoss,
    { appliedSequence }: OwnState,
  ): void {
    const told = `${type} ${lastSequence} ${appliedSequence}`;
    if (type !== "gone" && type !== "tail" || told === this.#toldLoss) return;
    this.#toldLoss = told;
    logger.error(
      "The log has lost entries {from} to {to}, which this replica has applied: {reason}",
      { from: lastSequence + 1, to: appliedSequence, reason },
    );
  }

  /**
   * Tells what is done.
   *
   * @param loss What it is about.
   * @param isCertain Whether that can be told as a loss.
   */
  step(step: HealingStep, loss: LogLoss, isCertain: boolean): void {
    if (step.type === "none") this.troubles.idle(step);
    if (!isCertain) return;
    if (step.type === "none" && step.why === "off") {
      this.ports.conditionChanged({ type: "unhealed", reason: step.reason });
      return;
    }
    const does = step.type === "none" ? step.reason : describe(step);
    this.ports.conditionChanged({
      type: "healing",
      reason: `${loss.reason}; ${does}`,
    });
  }

  /** The log goes on from another state than this replica's. */
  fork(reason: string): void {
    this.ports.conditionChanged({ type: "forked", reason });
  }

  /** Nothing is lost any more: what was told may be told again. */
  settled(): void {
    this.#toldLoss = "";
    this.troubles.settled();
  }
}
