/**
 * Deleting many rows without making commits wait.
 *
 * @module
 */

/** Repeats a small deletion, between other work, until nothing is left. */
export class Sweeper {
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param step Deletes a little; tells whether there may be more. */
  constructor(private readonly step: () => boolean) {}

  /** Begins, or begins again. */
  start(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      try {
        if (this.step()) this.start();
      } catch {
        // The disk may be full, for example. What is left is deleted when this
        // begins again. A log that can't be written fails its next entry.
      }
    }, 0);
  }

  /** Ends the deletions. */
  close(): void {
    clearTimeout(this.#timer);
  }
}
