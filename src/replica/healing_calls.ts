/**
 * What healing calls, with a time limit.
 *
 * @module
 */
import type { HealableLog, HealPoint, LogLoss } from "../log/healable_log.ts";
import { type StoreCallPorts, StoreCalls } from "./store_calls.ts";

/** How long a call to the log may take: NATS answers sooner, or not at all. */
export const LOG_CALL_LIMIT_MS = 15_000;

/** What healing works on. */
export interface HealingPorts extends StoreCallPorts {
  readonly log: HealableLog;
}

/** One call at a time, to a store or its log. */
export class HealingCalls extends StoreCalls {
  readonly #log: HealableLog;

  /**
   * @param ports What is called.
   * @param signal Ends the call under way, and all later ones.
   */
  constructor(ports: HealingPorts, signal: AbortSignal) {
    super(ports, signal);
    this.#log = ports.log;
  }

  look(): Promise<LogLoss | undefined> {
    return this.#onLog("looking at the log", () => this.#log.look());
  }

  remake(): Promise<void> {
    return this.#onLog("making the log again", () => this.#log.remake());
  }

  fence(point: HealPoint, after: number): Promise<void> {
    return this.#onLog(
      "writing to the log",
      () => this.#log.fence(point, after),
    );
  }

  moveTo(point: HealPoint): Promise<void> {
    return this.#onLog("moving the log", () => this.#log.moveTo(point));
  }

  #onLog<T>(what: string, work: () => Promise<T>): Promise<T> {
    return this.call(what, work, LOG_CALL_LIMIT_MS);
  }
}
