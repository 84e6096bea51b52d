/**
 * What a session wants done, in order, and the status that it has told. It does
 * no I/O.
 *
 * @module
 */
import type { LogStatus } from "../log.ts";
import type { SessionAction } from "./session_actions.ts";
import { type StatusDetails, StatusTeller } from "./status_teller.ts";

const NO_ACTIONS: readonly SessionAction[] = [];

/** Gathers the actions of one session. */
export class SessionOutput {
  readonly #teller = new StatusTeller();
  #actions: SessionAction[] = [];

  /** How the log is, as it was told last. */
  get status(): LogStatus {
    return this.#teller.status;
  }

  /** @returns What is to be done since the last time, in this order. */
  takeActions(): readonly SessionAction[] {
    if (this.#actions.length === 0) return NO_ACTIONS;
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  /** Adds an action after those before. */
  do(action: SessionAction): void {
    this.#actions.push(action);
  }

  /** Tells the status if it is news. */
  setStatus(
    state: LogStatus["state"],
    reason: string,
    now_ms: number,
    details?: StatusDetails,
  ): void {
    const status = this.#teller.change(state, reason, now_ms, details);
    if (status !== undefined) this.do({ type: "status", status });
  }

  /** The stream was judged, and it has all that this replica has applied. */
  notAhead(): void {
    this.#teller.notAhead();
  }
}
