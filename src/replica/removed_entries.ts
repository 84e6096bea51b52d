/**
 * Up to where entries were removed from the middle of a log. It does no I/O.
 *
 * @module
 */
import type { LogLocation } from "../log/log.ts";

/** Remembers, from look to look, how far they may reach. */
export class RemovedEntries {
  #count = 0;
  #upTo = 0;

  /** @param tell Told of more of them: how many there are in all, and up to where. */
  constructor(private readonly tell: (count: number, upTo: number) => void) {}

  /**
   * The log says how many there are and not which. None is later than the last
   * entry at the look that found more of them than the one before.
   *
   * @param location Where the log stands now.
   * @returns The sequence up to which entries may be missing; 0 if none is.
   */
  upTo({ lastSequence, removed = 0 }: LogLocation): number {
    if (removed === 0) this.#upTo = 0;
    else if (removed > this.#count) {
      this.#upTo = lastSequence;
      this.tell(removed, lastSequence);
    }
    this.#count = removed;
    return this.#upTo;
  }
}
