/**
 * The state machine: storage that is the log applied in order, up to a
 * sequence. Once it is filled, nothing else changes it.
 *
 * If there is no room for a record, the entry stays half applied, because what
 * it overwrote is gone. The machine is stuck in it: it takes no other entry
 * before it has gone on with that record. Until then its sequence, users and
 * digest stay those of the last whole entry.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { decodeEntry, InvalidEntryError, isDeletion } from "../log/change.ts";
import { type LogEntry, LogFailedError } from "../log/log.ts";
import { liveSnapshot } from "../snapshot/live_snapshot.ts";
import type { Snapshot, SnapshotInfo } from "../snapshot/snapshot.ts";
import { TableFullError } from "../storage/table_full_error.ts";
import { Storage } from "../storage/storage.ts";
import type { ChangeOutcome, UserChange } from "../user_grade.ts";
import { checkMark } from "./fork.ts";
import { HealPoints } from "./heal_points.ts";
import { Seams } from "./seams.ts";
import { CHECKPOINT_ENTRIES, DigestTrail } from "./digest_trail.ts";

const logger = getLogger(["usergrade", "replica"]);

/** A place in the log, and where the log was healed and has seams before it. */
export type Place = Pick<
  SnapshotInfo,
  "sequence" | "time" | "heals" | "seams"
>;

/** An entry that is being applied. */
interface EntryUnderWay
  extends Pick<LogEntry, "sequence" | "time" | "heal" | "isSeam"> {
  readonly changes: readonly Readonly<UserChange>[];
  /** What each change that is applied left: the next one is at its end. */
  readonly outcomes: ChangeOutcome[];
  /** How many of those were deletions. */
  deletions: number;
}

/** Applies entries in order. */
export class StateMachine {
  #storage = new Storage();
  #trail = new DigestTrail();
  /** Invariant: while not stuck, storage is the log applied up to here. */
  #place: Pick<Place, "sequence" | "time"> = { sequence: 0, time: null };
  #heals = HealPoints.NONE;
  #seams = Seams.NONE;
  /** How many users there were before the entry that it is stuck in. */
  #usersBefore = 0;
  #stuckIn: EntryUnderWay | undefined;
  #sets = 0;
  #deletions = 0;
  #poisonEntries = 0;

  /**
   * Told each whole entry once it is applied, its own or another replica's, with
   * what each of its changes left.
   */
  onApplied:
    | ((sequence: number, outcomes: readonly ChangeOutcome[]) => void)
    | undefined;

  /** Told when it goes on from a state that was made elsewhere. */
  onAdopted: ((sequence: number) => void) | undefined;

  /** The sequence of the last entry that is applied as a whole. */
  get sequence(): number {
    return this.#place.sequence;
  }

  /** When the log took that entry; null at sequence 0. */
  get time(): string | null {
    return this.#place.time;
  }

  /** Whether an entry can't be applied, and all behind it wait. */
  get isStuck(): boolean {
    return this.#stuckIn !== undefined;
  }

  /** Whether storage is the state at the sequence, and not beyond it. */
  get isWhole(): boolean {
    return this.#stuckIn === undefined ||
      this.#stuckIn.outcomes.length === 0;
  }

  /** How many users there are at the sequence. */
  get users(): number {
    return this.isStuck ? this.#usersBefore : this.#storage.size;
  }

  /** The digest of the records at the sequence. */
  get digest(): string {
    return this.isStuck ? this.#storage.markedDigest : this.#storage.digest;
  }

  /** Where the log was healed, up to the sequence. */
  get heals(): HealPoints {
    return this.#heals;
  }

  /** Where the log may have gone another way, up to the sequence. */
  get seams(): Seams {
    return this.#seams;
  }

  /** How many sets were applied from the log. */
  get sets(): number {
    return this.#sets;
  }

  /** How many deletions were. */
  get deletions(): number {
    return this.#deletions;
  }

  /** How many entries were skipped because they do not validate. */
  get poisonEntries(): number {
    return this.#poisonEntries;
  }

  /** @returns The newest checkpoints with their digests, at most `count`. */
  checkpoints(count: number): [sequence: number, digest: string][] {
    return this.#trail.newest(count);
  }

  /** @returns The digest at a sequence; undefined if it is not known any more. */
  digestAt(sequence: number): string | undefined {
    return sequence === this.sequence ? this.digest : this.#trail.at(sequence);
  }

  /** @returns The user's record as JSON text, or `undefined` if there is none. */
  getJson(id: string): string | undefined {
    return this.#storage.getJson(id);
  }

  /** Looks for user ids, as {@linkcode Storage.searchIds} does. */
  searchIds(
    prefix: string,
    after: string,
    max: number,
  ): Generator<void, string[], void> {
    return this.#storage.searchIds(prefix, after, max);
  }

  /**
   * @param logId The log's identity.
   * @returns The state as it is, whole; to be disposed of after use.
   */
  snapshot(logId: string): Snapshot {
    const { data: heals } = this.#heals;
    const { data: seams } = this.#seams;
    return liveSnapshot(
      {
        logId,
        ...this.#place,
        ...(heals && { heals }),
        ...(seams && { seams }),
      },
      this.#storage.snapshot(),
    );
  }

  /**
   * Starts from a state that was made elsewhere.
   *
   * @param storage The state, which the machine owns from now on.
   * @param place The last entry that it includes.
   */
  adopt(storage: Storage, { sequence, time, heals, seams }: Place): void {
    this.#storage = storage;
    this.#place = { sequence, time };
    this.#heals = HealPoints.from(heals);
    this.#seams = Seams.from(seams, sequence);
    this.#trail = new DigestTrail();
    this.#stuckIn = undefined;
    this.onAdopted?.(sequence);
  }

  /**
   * Applies the next entry.
   *
   * @param entry The entry.
   * @param own Its changes, if this replica has proposed it; else they are
   * read from its payload, and an entry that does not validate is skipped.
   * @returns What each change left.
   * @throws {LogFailedError} If an entry is missing before it, or it comes
   * again.
   * @throws {TableFullError} If there is no room for a record: the machine is
   * stuck in the entry.
   * @throws {ForkedError} If the log was healed from another state than this.
   */
  apply(
    entry: LogEntry,
    own: readonly Readonly<UserChange>[] | undefined,
  ): readonly ChangeOutcome[] {
    const { sequence, time, heal, isSeam } = entry;
    if (this.#stuckIn !== undefined || sequence !== this.sequence + 1) {
      throw new LogFailedError(
        `The log gave entry ${sequence} after entry ${this.sequence}`,
      );
    }
    if (heal !== undefined) {
      const { sequence: appliedSequence, digest, heals } = this;
      checkMark({ appliedSequence, digest, heals }, heal);
    }
    const changes = own ?? (heal === undefined ? this.#decode(entry) : []);
    this.#storage.markDigest();
    this.#usersBefore = this.#storage.size;
    return this.#goOn({
      sequence,
      time,
      ...(heal && { heal }),
      ...(isSeam && { isSeam }),
      changes,
      outcomes: [],
      deletions: 0,
    });
  }

  /**
   * Goes on with the entry that the machine is stuck in.
   *
   * @throws {TableFullError} If there is still no room.
   */
  resume(): void {
    if (this.#stuckIn !== undefined) this.#goOn(this.#stuckIn);
  }

  #goOn(entry: EntryUnderWay): readonly ChangeOutcome[] {
    const { sequence, time, heal, isSeam, changes, outcomes } = entry;
    try {
      const storage = this.#storage;
      for (let i = outcomes.length; i < changes.length; i++) {
        const change = changes[i];
        if (isDeletion(change)) {
          const { user_id, deleted } = change;
          const existed = storage.delete(user_id);
          outcomes.push({ user_id, deleted, existed });
          entry.deletions++;
        } else outcomes.push(storage.set(change));
      }
    } catch (error) {
      if (error instanceof TableFullError) this.#stuckIn = entry;
      throw error;
    }
    this.#stuckIn = undefined;
    this.#deletions += entry.deletions;
    this.#sets += changes.length - entry.deletions;
    this.#place = { sequence, time };
    if (heal !== undefined) this.#heals = this.#heals.with(heal);
    if (isSeam === true) this.#seams = this.#seams.with([sequence, time]);
    if (sequence % CHECKPOINT_ENTRIES === 0) {
      this.#trail.note(sequence, this.digest);
    }
    this.onApplied?.(sequence, outcomes);
    return outcomes;
  }

  #decode({ sequence, payload, version = 1 }: LogEntry): readonly UserChange[] {
    try {
      return decodeEntry(payload!, version);
    } catch (error) {
      if (!(error instanceof InvalidEntryError)) throw error;
      this.#poisonEntries++;
      logger.error(
        "Entry {sequence} of the log is skipped, by all replicas alike: {reason}. Find out who else publishes to the stream",
        { sequence, reason: error.message },
      );
      return [];
    }
  }
}
