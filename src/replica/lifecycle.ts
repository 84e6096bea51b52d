/**
 * Where a replica is in its life, and what it can do there.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { LogInfo, LogStatus } from "../log/log.ts";
import { HealingConditions } from "./healing_conditions.ts";
import type { HealingCondition } from "./healing_facts.ts";
import {
  type Phase,
  type Readiness,
  readiness,
  type RestoreProgress,
} from "./readiness.ts";

const logger = getLogger(["usergrade", "replica"]);

/** The log's status before the log has told one. */
const NOT_OPEN: LogStatus = {
  state: "away",
  reason: "the log is not open yet",
};

/** The same once it is open. */
const NOT_HEARD: LogStatus = {
  state: "away",
  reason: "the log is open, and gives no entries yet",
};

/** What a replica says of its log. */
export interface LogView {
  /** The log's identity. */
  readonly id: string;
  /** The sequence of the first entry that is still there. */
  readonly firstSequence: number;
}

/** Holds what readiness is made of; only its replica changes it. */
export class Lifecycle {
  #phase: Phase = { name: "starting" };
  #log: LogStatus = NOT_OPEN;
  /** Why the next entry can't be applied; undefined if it can. */
  #stuck: string | undefined = undefined;
  /** How a restore goes while there is a state already. */
  #rejoin: RestoreProgress | undefined = undefined;
  readonly #healing = new HealingConditions();
  #isHealer = false;
  /**
   * Invariant: what {@linkcode readiness} makes of the fields above. Kept, since
   * every get asks for it.
   */
  #readiness = this.#judged();
  #logView: LogView | undefined;
  /** The sequence of the log's last entry, as the log said it last. */
  lastSequence = 0;
  #connections = 0;
  #restoredRows = 0;

  /** What the replica can do now. */
  get readiness(): Readiness {
    return this.#readiness;
  }

  /** Where it is. */
  get phase(): Phase {
    return this.#phase;
  }

  /**
   * Whether the log has lost what the replica has applied, for good as far as
   * is known: its sequences may mean other entries by now.
   */
  get isAheadOfLog(): boolean {
    const { state } = this.#readiness;
    return state === "ahead_of_log" ||
      // A replica that leaves does not say what is wrong with its log.
      (state === "draining" && isLost(this.#log, this.#healing.current));
  }

  /**
   * Whether the log looks as if it had lost what the replica has applied, and
   * its servers may have yet to agree.
   */
  get isLogInDoubt(): boolean {
    return this.#log.state === "away" && this.#log.loss !== undefined;
  }

  /** Whether the log goes on from another state than this replica's. */
  get isForked(): boolean {
    return this.#log.state === "forked" ||
      this.#healing.current?.type === "forked";
  }

  /**
   * Whether a sequence may mean another entry in the log than the one that this
   * replica has applied.
   */
  get hasOtherSequences(): boolean {
    return this.isAheadOfLog || this.isForked ||
      this.#log.mayBeForked === true;
  }

  /** Whether the log can be proposed to. */
  get connected(): boolean {
    return this.#log.state === "connected";
  }

  /** Whether another replica is known to have applied more than the log has. */
  get isWaiting(): boolean {
    return this.#healing.current?.type === "waiting";
  }

  /** The log; undefined before it is open. */
  get log(): LogView | undefined {
    return this.#logView;
  }

  /**
   * @param appliedSequence What the replica has applied.
   * @returns Whether it was catching up and now has what it waits for. The log
   * must also have taken proposals once.
   */
  isCaughtUp(appliedSequence: number): boolean {
    return this.#phase.name === "catching_up" &&
      appliedSequence >= this.#phase.until && this.#connections > 0;
  }

  /** How often the log could be proposed to again after it could not. */
  get reconnects(): number {
    return Math.max(0, this.#connections - 1);
  }

  /** How many rows of the snapshot are restored, or were. */
  get restoredRows(): number {
    return this.#restoredRows;
  }

  /** @returns Whether it has entered the phase: nothing undoes a drain. */
  enter(phase: Phase): boolean {
    if (this.#phase.name === "draining") return false;
    this.#phase = phase;
    this.#judge();
    return true;
  }

  /** Says why the log must not be opened. */
  hold(reason: string): void {
    if (this.#phase.name === "starting") {
      this.enter({ name: "starting", held: reason });
    }
  }

  /** How the restore goes; undefined when there is none. */
  get restoreProgress(): RestoreProgress | undefined {
    return this.#phase.name === "restoring"
      ? this.#phase.progress
      : this.#rejoin;
  }

  /** Says how the restore goes. */
  noteRestore(progress: RestoreProgress): void {
    this.#restoredRows = progress.rows;
    if (this.#phase.name === "restoring") {
      this.enter({ name: "restoring", progress });
    } else {
      this.#rejoin = progress;
      this.#judge();
    }
  }

  /** The restore of a replica that has a state already has ended. */
  rejoined(): void {
    this.#rejoin = undefined;
    this.#judge();
  }

  /** The log says what it has: it is open, or others have changed it. */
  logOpened(
    { id, firstSequence, lastSequence }: Omit<LogInfo, "isNew">,
  ): void {
    // Why it could not be opened before is over.
    const isFirst = this.#logView === undefined;
    if (isFirst && this.#log.state === "away") this.#log = NOT_HEARD;
    if (isFirst) this.#healing.logOpened();
    this.#logView = { id, firstSequence };
    this.lastSequence = lastSequence;
    // A log that lost its end will not have what it had at the start.
    if (
      this.#phase.name === "catching_up" && lastSequence < this.#phase.until
    ) this.enter({ ...this.#phase, until: lastSequence });
  }

  /** The log has lost the entries before a sequence. */
  firstSequenceMoved(firstSequence: number): void {
    this.#logView = { ...this.#logView!, firstSequence };
  }

  /** The log's status has changed. */
  logStatusChanged(status: LogStatus): void {
    this.#log = status;
    const isWhole = status.state === "connected" ||
      status.missing !== undefined || status.isWhole === true;
    if (isWhole) this.#healing.logIsWhole();
    this.#judge();
    const { state, reason, isRepeated = false } = status;
    if (isRepeated) return;
    if (state === "connected") {
      this.#connections++;
      logger.info("The log can be proposed to: {reason}", { reason });
    } else if (state === "away") {
      logger.warn("No set can commit: {reason}", { reason });
    } else {
      const isHealing = this.#readiness.state === "healing";
      logger.error("State {state}: {reason}", {
        state: isHealing ? "healing" : state,
        reason,
      });
    }
  }

  /** Whether the replica makes its log whole. */
  get isHealer(): boolean {
    return this.#isHealer;
  }

  /** Whether the replica makes its log whole has changed. */
  healerChanged(isHealer: boolean): void {
    if (this.#isHealer === isHealer) return;
    this.#isHealer = isHealer;
    this.#judge();
  }

  /** Why no sets are taken has changed. */
  healingChanged(condition: HealingCondition | undefined): void {
    const before = this.#healing.current?.type;
    this.#healing.change(condition);
    if (this.connected) this.#healing.logIsWhole();
    this.#judge();
    const { current } = this.#healing;
    // The log has said what is healed, and the healer what it does.
    if (
      current === undefined || current.type === before ||
      current.type === "healing"
    ) return;
    const { state } = this.#readiness;
    const level = current.type === "forked" ? "error" : "warn";
    logger[level]("State {state}, no set can commit: {reason}", {
      state,
      reason: current.reason,
    });
  }

  /**
   * @param stuck Why the next entry can't be applied; undefined if it can.
   * @returns Whether that is new.
   */
  stuckChanged(stuck: string | undefined): boolean {
    if (this.#stuck === stuck) return false;
    this.#stuck = stuck;
    this.#judge();
    return true;
  }

  #judge(): void {
    this.#readiness = this.#judged();
  }

  #judged(): Readiness {
    return readiness({
      phase: this.#phase,
      log: this.#log,
      stuck: this.#stuck,
      rejoin: this.#rejoin,
      healing: this.#healing.current,
      isHealer: this.#isHealer,
    });
  }
}

/** Whether the log has lost what a replica has applied. */
function isLost(
  { state }: LogStatus,
  condition: HealingCondition | undefined,
): boolean {
  return state === "ahead_of_log" || state === "healing" ||
    state === "forked" || condition?.type === "healing" ||
    condition?.type === "forked";
}
