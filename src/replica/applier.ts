/**
 * Applies the log's entries in order and answers own batches. If there is no
 * room for a record, all entries after it wait.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { type LogEntry, OutcomeUnknownError } from "../log/log.ts";
import { TableFullError } from "../storage/table_full_error.ts";
import { Backlog } from "./backlog.ts";
import { ForkedError } from "./fork.ts";
import { NotAppliedError } from "./endings.ts";
import type { GroupCommit } from "./group_commit.ts";
import type { StateMachine } from "./state_machine.ts";

const logger = getLogger(["usergrade", "replica"]);

/** How long until an entry that has no room is tried again. */
export const RETRY_MS = 1_000;

/** Feeds a state machine. */
export class Applier {
  #backlog = new Backlog();
  #stuck: { readonly reason: string; retryAt_ms: number } | undefined;
  #forked: string | undefined;

  /**
   * @param machine What applies the entries.
   * @param groupCommit Knows the own batches among them.
   * @param now The time in milliseconds.
   */
  constructor(
    private readonly machine: StateMachine,
    private readonly groupCommit: GroupCommit,
    private readonly now: () => number,
  ) {}

  /** Why the next entry can't be applied; undefined if it can. */
  get stuck(): string | undefined {
    return this.#stuck?.reason;
  }

  /** Why nothing is applied any more; undefined if entries still are. */
  get forked(): string | undefined {
    return this.#forked;
  }

  /** Applies nothing any more: the log goes on from another state. */
  fork(reason: string): void {
    this.#forked ??= reason;
    this.drop();
  }

  /**
   * Applies entries, or keeps them until there is room. After a fork they are
   * never taken.
   *
   * @param entries The next entries.
   * @param taken Called once all of them are applied.
   * @throws {LogFailedError} If an entry is missing before them, or too many
   * come while one has no room.
   */
  apply(entries: readonly LogEntry[], taken: () => void): void {
    if (this.#forked !== undefined) return;
    this.#backlog.push(entries, taken);
    if (this.#stuck === undefined) this.#applyBacklog();
  }

  /**
   * Tries the entry that has no room again, if it is time.
   *
   * @throws {LogFailedError} If an entry is missing after it.
   */
  tick(now_ms: number): void {
    if (this.#stuck === undefined || this.#stuck.retryAt_ms > now_ms) return;
    try {
      this.machine.resume();
    } catch (error) {
      if (!(error instanceof TableFullError)) throw error;
      this.#stuck.retryAt_ms = now_ms + RETRY_MS;
      return;
    }
    this.#stuck = undefined;
    logger.info("Applying goes on: entry {sequence} has found room", {
      sequence: this.machine.sequence,
    });
    this.#backlog.advance();
    this.#applyBacklog();
  }

  /** Forgets what is not applied: the machine goes on from another state. */
  drop(): void {
    this.#backlog = new Backlog();
    this.#stuck = undefined;
  }

  #applyBacklog(): void {
    try {
      for (let entry; (entry = this.#backlog.next) !== undefined;) {
        this.#applyEntry(entry);
        this.#backlog.advance();
      }
    } catch (error) {
      if (error instanceof ForkedError) return this.fork(error.message);
      if (!(error instanceof TableFullError)) throw error;
      this.#stop(error);
    }
  }

  #applyEntry(entry: LogEntry): void {
    if (entry.batch === undefined) {
      this.machine.apply(entry, undefined);
      return;
    }
    const batch = this.groupCommit.land(entry.batch);
    try {
      const outcomes = this.machine.apply(entry, batch.changes);
      this.groupCommit.answer(batch, entry.sequence, outcomes);
    } catch (error) {
      this.groupCommit.reject(batch, notApplied(entry, error as Error));
      throw error;
    }
  }

  #stop({ message }: TableFullError): void {
    const sequence = this.machine.sequence + 1;
    this.#stuck = {
      reason: `entry ${sequence} can't be applied: ${message}`,
      retryAt_ms: this.now() + RETRY_MS,
    };
    logger.error(
      "Applying stops at entry {sequence}, and sets are refused, until there is room: {reason}. Give this replica more memory",
      { sequence, reason: message },
    );
  }
}

/** The error for the changes of a batch that is in the log but not applied. */
function notApplied(
  { sequence }: LogEntry,
  cause: Error,
): NotAppliedError | OutcomeUnknownError {
  return cause instanceof TableFullError
    ? new NotAppliedError(
      `The change is stored, as part of entry ${sequence} of the log, but this replica can't apply it until it has room: ${cause.message}`,
      { cause },
    )
    : new OutcomeUnknownError(cause.message, { cause });
}
