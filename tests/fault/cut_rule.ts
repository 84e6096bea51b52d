/**
 * The rule for every cut of the log: two snapshots that were read back whole
 * stand in for what goes. It does no I/O.
 *
 * @module
 */

/** Holds each cut against the snapshots that were marked as whole before it. */
export class CutRule {
  /** The sequences of all that were marked, by the ids of their chunks. */
  readonly #marked = new Map<string, number>();
  #isSure = false;

  /** A snapshot was marked as whole. */
  marked(chunkId: string, sequence: number): void {
    this.#marked.set(chunkId, sequence);
  }

  /** Something may have been missed: nothing is said until all is known again. */
  unsure(): void {
    this.#isSure = false;
  }

  /** All that are marked were told of. */
  sure(): void {
    this.#isSure = true;
  }

  /**
   * @param sequence Where the log is asked to begin.
   * @returns What is wrong with that; undefined if nothing is known to be.
   */
  faultOf(sequence: number): string | undefined {
    if (!this.#isSure) return undefined;
    const [newest = 0, older = 0] = [...this.#marked.values()]
      .sort((a, b) => b - a);
    return sequence <= older
      ? undefined
      : `a replica cuts the log at ${sequence}, and the newest snapshots that were read back are at ${older} and ${newest}`;
  }
}
