/**
 * What compaction calls, with a time limit.
 *
 * @module
 */
import type { LogLocation } from "../log/log.ts";
import { type StoreCallPorts, StoreCalls } from "./store_calls.ts";

/** What compaction works on. */
export interface CompactionPorts extends StoreCallPorts {
  /** Looks where the log stands, and when it took an entry. */
  locate(sequence: number): Promise<LogLocation>;
  /** Lets go of the log's entries before a sequence. */
  trim(sequence: number): Promise<void>;
}

/** One call at a time, to a store or its log. */
export class CompactionCalls extends StoreCalls {
  readonly #log: Pick<CompactionPorts, "locate" | "trim">;

  /**
   * @param ports What is called.
   * @param signal Ends the call under way, and all later ones.
   */
  constructor(ports: CompactionPorts, signal: AbortSignal) {
    super(ports, signal);
    this.#log = ports;
  }

  locate(sequence: number): Promise<LogLocation> {
    return this.call("looking at the log", () => this.#log.locate(sequence));
  }

  trim(sequence: number): Promise<void> {
    return this.call("cutting the log", () => this.#log.trim(sequence));
  }
}
