/**
 * All compactors of one replica: one for its log, and one for a folder if there
 * is one.
 *
 * @module
 */
import { UnavailableError } from "../errors.ts";
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

  /**
   * A restore has found that a snapshot is damaged: it counts no more.
   *
   * @param name Its place's name.
   * @param id Its id there.
   */
  doubt(name: string, id: string): void {
    this.#all.find((compactor) => compactor.name === name)?.doubt(id);
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
   * @throws {UnavailableError} If one can't be made; it says where one was made
   * all the same. A bucket that may not be used is passed over if the folder
   * has one: nobody has asked for the bucket, and someone has for the folder.
   */
  async make(): Promise<MadeSnapshot> {
    const { log, folder } = this.places;
    const [inLog, inFolder] = [
      await outcomeOf(log),
      folder && await outcomeOf(folder),
    ];
    if (inFolder === undefined) return given(inLog);
    if (inLog instanceof NoPlaceError) return given(inFolder);
    if (inLog instanceof UnavailableError) {
      throw butMade(inLog, inFolder, folder!);
    }
    if (inFolder instanceof UnavailableError) {
      throw butMade(inFolder, inLog, log);
    }
    return inLog;
  }

  /** Ends what is under way, whose snapshot is not kept. */
  async stop(): Promise<void> {
    await Promise.all(this.#all.map((compactor) => compactor.stop()));
  }
}

type Outcome = MadeSnapshot | UnavailableError;

async function outcomeOf(compactor: Compactor): Promise<Outcome> {
  try {
    return await compactor.make();
  } catch (error) {
    if (error instanceof UnavailableError) return error;
    throw error;
  }
}

function given(outcome: Outcome): MadeSnapshot {
  if (outcome instanceof UnavailableError) throw outcome;
  return outcome;
}

/** An error that also says where a snapshot was made. */
function butMade(
  error: UnavailableError,
  other: Outcome,
  { name }: Compactor,
): UnavailableError {
  return other instanceof UnavailableError ? error : new UnavailableError(
    `${error.message}. One was made in ${name}, at sequence ${other.sequence}`,
    { cause: error },
  );
}
