/**
 * The replica: storage filled by the log in order. Sets are proposed to the
 * log and answered when they come back; nothing else changes storage.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { Change } from "../log/change.ts";
import {
  type LogEntry,
  LogFailedError,
  type LogInfo,
  type LogStatus,
  NotStoredError,
  OutcomeUnknownError,
} from "../log/log.ts";
import type { RowBatch } from "../storage/row_batch.ts";
import { WINDOW_MESSAGES } from "../log/messages.ts";
import { TableFullError } from "../storage/segment.ts";
import { Storage } from "../storage/storage.ts";
import {
  type CommittedSet,
  GroupCommit,
  type GroupCommitPorts,
  NotAppliedError,
} from "./group_commit.ts";
import { SequenceWaiters } from "./sequence_waiters.ts";
import type { SetCounts } from "./set_counts.ts";
import { StateMachine, type StateSnapshot } from "./state_machine.ts";

const logger = getLogger(["usergrade", "replica"]);

/** The states that `/status` and `/readyz` name. */
export const REPLICA_STATES = [
  "starting",
  "restoring",
  "catching_up",
  "ready",
  "ahead_of_log",
  "upgrade_required",
  "draining",
] as const;

/** One of {@linkcode REPLICA_STATES}. */
export type ReplicaState = (typeof REPLICA_STATES)[number];

/** The states that a replica goes through by itself. */
type Phase = Exclude<ReplicaState, "ahead_of_log" | "upgrade_required">;

/** This replica can't answer yet or any more; nothing was stored. */
export class NotReadyError extends NotStoredError {
  override name = "NotReadyError";
}

/** How a restore goes. */
export interface RestoreProgress {
  /** What is being restored, or why nothing is. */
  readonly reason: string;
  /** How many rows are restored. */
  readonly rows: number;
  /** How much that is of all rows of the base, 0 to 100. */
  readonly percent: number;
}

/** How often an entry that finds no room is tried again. */
export const RETRY_MS = 1_000;

/** Entries that the log has given at once. */
interface Delivery {
  readonly entries: readonly LogEntry[];
  /** How many of them, from the first, are applied. */
  applied: number;
  /** Tells the log that all of them are. */
  readonly taken: () => void;
}

/** Why no entry is applied for now. */
interface Stop {
  readonly reason: string;
  retryAt: number;
}

/** One replica of the user grades. */
export class Replica {
  /** What is restored of a base so far. */
  #restored = new Storage();
  readonly #machine = new StateMachine();
  readonly #groupCommit: GroupCommit;
  readonly #waiters = new SequenceWaiters();
  #phase: Phase = "starting";
  #phaseReason = "the service has just started";
  #logStatus: LogStatus = { state: "away", reason: "the log is not open yet" };
  /** Whether it has restored and caught up once. */
  #caughtUp = false;
  /** The applied sequence at which it has caught up. */
  #caughtUpAt = Infinity;
  #restore: RestoreProgress | undefined;
  #log: LogInfo | undefined;
  #lastSequence = 0;
  /**
   * What is not applied yet, in order. Invariant: empty unless stopped, and
   * never longer than {@linkcode WINDOW_MESSAGES}.
   */
  #backlog: Delivery[] = [];
  #stop: Stop | undefined;
  #connections = 0;
  #restoredRows = 0;

  /**
   * @param ports The log, the event loop and the clock.
   * @param timeout_ms How long a set or a wait for a sequence may take.
   */
  constructor(
    private readonly ports: GroupCommitPorts,
    private readonly timeout_ms: number,
  ) {
    this.#groupCommit = new GroupCommit(ports, timeout_ms);
  }

  /** Where the replica is in its life. */
  get state(): ReplicaState {
    const log = this.#logStatus.state;
    return this.#phase !== "draining" &&
        (log === "ahead_of_log" || log === "upgrade_required")
      ? log
      : this.#phase;
  }

  /** Why it is in that state, or why sets can't commit, in a few words. */
  get reason(): string {
    if (this.#phase === "draining" || this.#phase === "restoring") {
      return this.#phaseReason;
    }
    if (this.state === this.#phase && this.#stop !== undefined) {
      return this.#stop.reason;
    }
    return this.connected ? this.#phaseReason : this.#logStatus.reason;
  }

  /** Whether the log can be proposed to. */
  get connected(): boolean {
    return this.#logStatus.state === "connected";
  }

  /**
   * Whether gets are answered: it has restored and caught up once, and no
   * entry is there that it can't understand.
   */
  get readable(): boolean {
    return this.#caughtUp && this.#logStatus.state !== "upgrade_required";
  }

  /** Whether sets can commit now. */
  get writable(): boolean {
    return this.#phase === "ready" && this.connected && !this.isStuck;
  }

  /** Whether an entry finds no room, so that none is applied for now. */
  get isStuck(): boolean {
    return this.#stop !== undefined;
  }

  /** The log that the replica applies; undefined before it is open. */
  get log(): LogInfo | undefined {
    return this.#log;
  }

  /** The sequence of the last applied entry. */
  get appliedSequence(): number {
    return this.#machine.sequence;
  }

  /** The sequence of the last entry known to be in the log. */
  get lastSequence(): number {
    return Math.max(this.appliedSequence, this.#lastSequence);
  }

  /** How many users are stored. */
  get users(): number {
    return this.#machine.users;
  }

  /** The digest of the stored records. */
  get digest(): string {
    return this.#machine.digest;
  }

  /** @returns The newest checkpoints with their digests, at most `count`. */
  checkpoints(count: number): [sequence: number, digest: string][] {
    return this.#machine.checkpoints(count);
  }

  /** @returns The digest at a sequence; undefined if it is not known any more. */
  digestAt(sequence: number): string | undefined {
    return this.#machine.digestAt(sequence);
  }

  /** How many sets were applied from the log since the base. */
  get setsSinceBase(): number {
    return this.#machine.setsSinceBase;
  }

  /** How many entries were skipped because they do not validate. */
  get poisonEntries(): number {
    return this.#machine.poisonEntries;
  }

  /** How often the log could be proposed to again after it could not. */
  get reconnects(): number {
    return Math.max(0, this.#connections - 1);
  }

  /** How many rows of bases were restored since the start. */
  get restoredRows(): number {
    return this.#restoredRows;
  }

  /** How many sets wait for their commit. */
  get pendingSets(): number {
    return this.#groupCommit.pending;
  }

  /** How many of those are in no batch yet. */
  get queuedSets(): number {
    return this.#groupCommit.queued;
  }

  /** What became of the sets. */
  get setCounts(): SetCounts {
    return this.#groupCommit.counts;
  }

  #enter(phase: Phase, reason: string): void {
    // A log that opens late does not undo a drain.
    if (this.#phase === "draining") return;
    this.#phase = phase;
    this.#phaseReason = reason;
    logger.info("State {state}: {reason}", {
      state: phase,
      reason,
      applied_sequence: this.appliedSequence,
      users: this.users,
      digest: this.digest,
    });
  }

  /** The log is open: a base is looked for and restored from now on. */
  beginRestore(log: LogInfo): void {
    this.#log = log;
    this.#lastSequence = log.lastSequence;
    this.#enter("restoring", "a base is being looked for");
  }

  /** Says how many rows the base has. */
  expectRows(rows: number): void {
    this.#restored.expect(rows);
  }

  /** Stores rows of the base. */
  restore(rows: RowBatch): void {
    this.#restored.restore(rows);
    this.#restoredRows += rows.count;
  }

  /** Throws away what was restored of a base. */
  discardRestored(): void {
    this.#restored = new Storage();
  }

  /** Says how the restore goes, for the probes. */
  noteRestore(progress: RestoreProgress): void {
    this.#restore = progress;
    this.#phaseReason = progress.reason;
  }

  /** How the restore goes; undefined when there is none. */
  get restoreProgress(): RestoreProgress | undefined {
    return this.#phase === "restoring" ? this.#restore : undefined;
  }

  /**
   * The base is restored: entries after it are applied from now on.
   *
   * @param sequence The last sequence that the base includes.
   * @param time When the log took that entry; null at sequence 0.
   */
  endRestore(sequence: number, time: string | null): void {
    this.#machine.adopt(this.#restored, { sequence, time });
    this.#caughtUpAt = this.lastSequence;
    this.#enter("catching_up", "entries of the log are being applied");
    this.#becomeReadyIfCaughtUp();
  }

  #becomeReadyIfCaughtUp(): void {
    if (
      this.#phase === "catching_up" && this.appliedSequence >= this.#caughtUpAt
    ) {
      this.#caughtUp = true;
      this.#enter("ready", "all entries of the log are applied");
    }
  }

  /**
   * Applies entries; the only way that the state changes once it is restored.
   *
   * @param entries The next entries.
   * @param lastSequence The log's last entry, as far as is known.
   * @param taken Called once all of them are applied, at once or, if one finds
   * no room, later; until then the log is to hold back what comes after.
   * @throws {LogFailedError} If one is missing between them and those before,
   * or more come than a window while one finds no room.
   */
  apply(
    entries: readonly LogEntry[],
    lastSequence: number,
    taken: () => void = () => {},
  ): void {
    if (this.#backlog.length >= WINDOW_MESSAGES) {
      throw new LogFailedError("The log gives more than it was asked for");
    }
    this.#lastSequence = lastSequence;
    this.#backlog.push({ entries, applied: 0, taken });
    if (!this.isStuck) this.#advance();
  }

  /** Applies the backlog, as far as there is room. */
  #advance(): void {
    try {
      for (let delivery; (delivery = this.#backlog[0]) !== undefined;) {
        while (delivery.applied < delivery.entries.length) {
          this.#applyEntry(delivery.entries[delivery.applied]);
          delivery.applied++;
        }
        this.#backlog.shift();
        delivery.taken();
      }
    } catch (error) {
      if (!(error instanceof TableFullError)) throw error;
      this.#stopAt(error);
    }
    this.#waiters.reached(this.appliedSequence);
    this.#becomeReadyIfCaughtUp();
  }

  #applyEntry(entry: LogEntry): void {
    const batch = entry.batch === undefined
      ? undefined
      : this.#groupCommit.land(entry.batch);
    try {
      const grades = this.#machine.apply(entry, batch?.patches);
      if (batch !== undefined) {
        this.#groupCommit.answer(batch, entry.sequence, grades);
      }
    } catch (error) {
      // Nobody else knows of them any more.
      if (batch !== undefined) {
        this.#groupCommit.reject(batch, notApplied(entry, error as Error));
      }
      throw error;
    }
  }

  #stopAt({ message }: TableFullError): void {
    const sequence = this.appliedSequence + 1;
    const reason = `entry ${sequence} can't be applied: ${message}`;
    this.#stop = { reason, retryAt: this.ports.now() + RETRY_MS };
    logger.error(
      "Applying stops at entry {sequence}, and sets are refused, until there is room: {reason}",
      { sequence, reason: message },
    );
    this.#groupCommit.refuseQueued(this.#notWritable());
  }

  /** Goes on where applying has stopped, if there is room now. */
  #resume(): void {
    try {
      this.#machine.resume();
    } catch (error) {
      if (!(error instanceof TableFullError)) throw error;
      this.#stop!.retryAt = this.ports.now() + RETRY_MS;
      return;
    }
    this.#stop = undefined;
    logger.info("Applying goes on: entry {sequence} has found room", {
      sequence: this.appliedSequence,
    });
    this.#backlog[0].applied++;
    this.#advance();
  }

  /**
   * The log has a newer base.
   *
   * @param sequence The last sequence that it includes.
   * @param sets What `setsSinceBase` was then.
   */
  baseMoved(sequence: number, sets: number): void {
    this.#machine.baseMoved(sets);
    this.firstSequenceMoved(sequence + 1);
  }

  /**
   * The log has lost entries from its beginning, which this replica has
   * applied.
   *
   * @param sequence The sequence of the first entry still there.
   */
  firstSequenceMoved(sequence: number): void {
    this.#log = { ...this.#log!, firstSequence: sequence };
  }

  /** The log's status has changed. */
  logStatusChanged(status: LogStatus): void {
    const { state, reason } = this.#logStatus = status;
    if (state === "connected") {
      this.#connections++;
      logger.info("The log can be proposed to: {reason}", { reason });
      return;
    }
    if (state === "away") {
      logger.warn("No set can commit: {reason}", { reason });
    } else {
      logger.error("State {state}: {reason}", { state, reason });
    }
    this.#groupCommit.refuseQueued(this.#notWritable());
  }

  /** A batch did not commit. */
  proposalFailed(
    batch: number,
    error: NotStoredError | OutcomeUnknownError,
  ): void {
    this.#groupCommit.fail(batch, error);
  }

  /**
   * Proposes a set.
   *
   * @param change The set, which has passed the gate to the log.
   * @returns The set once it is committed and applied here.
   * @throws {NotStoredError} If it is certainly not stored; try again later.
   * @throws {OutcomeUnknownError} If it may be stored or not.
   */
  submit(change: Change): Promise<CommittedSet> {
    if (!this.writable) {
      this.setCounts.rejected.not_ready++;
      throw this.#notWritable();
    }
    return this.#groupCommit.submit(change);
  }

  /**
   * @returns The user's record as JSON text, or `undefined` if there is none.
   * @throws {NotReadyError} If this replica can't know yet.
   */
  getJson(id: string): string | undefined {
    if (!this.readable) throw this.#notReadable();
    return this.#machine.getJson(id);
  }

  #notReadable(): NotReadyError {
    return new NotReadyError(
      `This replica is not ready (${this.state}): ${this.reason}`,
    );
  }

  #notWritable(): NotReadyError {
    return new NotReadyError(
      `This replica can't commit sets now (${this.state}): ${this.reason}`,
    );
  }

  /**
   * Waits until a sequence is applied, at most as long as a set may take.
   *
   * @throws {SequenceNotReachedError} If it takes longer.
   * @throws {NotReadyError} If this replica can't answer yet.
   */
  async waitFor(sequence: number): Promise<void> {
    if (!this.readable) throw this.#notReadable();
    if (this.appliedSequence >= sequence) return;
    await this.#waiters.wait(sequence, this.ports.now() + this.timeout_ms);
  }

  /**
   * @returns The state as it is now; its table is to be closed after use.
   * @throws {NotReadyError} If there is no whole state now.
   */
  snapshot(): StateSnapshot {
    if (!this.readable || !this.#machine.isWhole) throw this.#notReadable();
    return this.#machine.snapshot();
  }

  /**
   * Ends whatever has waited too long, and tries again what found no room. To
   * be called a few times a second.
   *
   * @throws {LogFailedError} As {@linkcode apply}.
   */
  tick(): void {
    const now = this.ports.now();
    this.#groupCommit.expire();
    this.#waiters.expire(now);
    if (this.#stop !== undefined && this.#stop.retryAt <= now) this.#resume();
  }

  /** Takes no more sets; those under way go on. */
  drain(reason: string): void {
    this.#enter("draining", reason);
    // Nobody is kept waiting for what may never be applied here.
    this.#waiters.expire(Infinity);
  }

  /** The log is gone for good: ends the sets under way. */
  abandon(reason: string): void {
    this.drain(reason);
    this.#groupCommit.abandon(reason);
  }
}

/** What the sets of a batch are told that is in the log and not applied. */
function notApplied(
  { sequence }: LogEntry,
  cause: Error,
): NotAppliedError | OutcomeUnknownError {
  return cause instanceof TableFullError
    ? new NotAppliedError(
      `The set is stored, as part of entry ${sequence} of the log, but this replica can't apply it until it has room: ${cause.message}`,
      { cause },
    )
    : new OutcomeUnknownError(cause.message, { cause });
}
