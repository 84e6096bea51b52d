/**
 * What reading snapshots back has shown of those that a store lists. It does no
 * I/O.
 *
 * @module
 */
import type { StoredSnapshot } from "../snapshot/store.ts";

/** How often reading a snapshot back is tried. */
const READS_MAX = 3;

/** Remembers how each snapshot was read, by its id. */
export class SnapshotReads {
  /** How often it has failed. */
  readonly #failed = new Map<string, number>();
  /** Of those that this replica has read whole, the newest one at that time. */
  readonly #newestThen = new Map<string, string>();

  /** Forgets the snapshots that are not listed any more. */
  keep(listed: ReadonlyMap<string, StoredSnapshot>): void {
    for (const reads of [this.#failed, this.#newestThen]) {
      for (const id of reads.keys()) if (!listed.has(id)) reads.delete(id);
    }
  }

  /**
   * A snapshot was read whole.
   *
   * @param newest The newest of those that were read back by then.
   */
  succeeded(id: string, newest: string): void {
    this.#failed.delete(id);
    this.#newestThen.set(id, newest);
  }

  /** A snapshot could not be read. */
  failed(id: string): void {
    this.#failed.set(id, (this.#failed.get(id) ?? 0) + 1);
  }

  /** A snapshot is damaged: it does not count any more. */
  doubt(id: string): void {
    this.#failed.set(id, READS_MAX);
  }

  /** Whether it is given up. */
  isGivenUp(id: string): boolean {
    return (this.#failed.get(id) ?? 0) >= READS_MAX;
  }

  /** Whether it was read whole while that one was the newest. */
  wasReadBeside(id: string, newest: string | undefined): boolean {
    return newest !== undefined && this.#newestThen.get(id) === newest;
  }
}
