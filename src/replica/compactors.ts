/**
 * All compactors of one replica: one for its log, and one for a folder if there
 * is one.
 *
 * @module
 */
import { type MadeSnapshot, NoPlaceError } from "./compaction_requests.ts";
import type { Compactor } from "./compactor.ts";

/** One compactor per place. Only one of them is at work at a time. */
export class Compactors {
  readonly #all: readonly Compactor[];

  /** @param places Where snapshots are kept. */
  constructor(
    readonly places: {
      /** The place that the log is cut behind. */
      readonly log: Compactor;
      readonly folder: Compactor | undefined;
    },
  ) {
    const { log, folder } = places;
    this.#all = folder === undefined ? [log] : [log, folder];
  }

  /** Does what is to be done. Call it a few times a second. */
  tick(now_ms: number): void {
    for (const compactor of this.#all) {
      const mayBegin = this.#all.every((other) =>
        other === compactor || !other.isBusy
      );
      compactor.tick(now_ms, mayBegin);
    }
  }

  /**
   * Makes a snapshot in each place, one after the other.
   *
   * @returns The first of them, once all were read back whole.
   * @throws {UnavailableError} If one can't be made; a place that may not be
   * used is passed over if there is another.
   */
  async make(): Promise<MadeSnapshot> {
    let first: MadeSnapshot | undefined;
    let missing: NoPlaceError | undefined;
    for (const compactor of this.#all) {
      try {
        const made = await compactor.make();
        first ??= made;
      } catch (error) {
        if (!(error instanceof NoPlaceError)) throw error;
        missing ??= error;
      }
    }
    if (first === undefined) throw missing!;
    return first;
  }

  /** Ends what is under way, whose snapshot is not kept. */
  async stop(): Promise<void> {
    await Promise.all(this.#all.map((compactor) => compactor.stop()));
  }
}
