/**
 * The replica: a state machine filled by the log in order. Nothing else changes
 * the state.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type {
  LogEntry,
  LogInfo,
  LogLimits,
  LogStatus,
  NotStoredError,
  OutcomeUnknownError,
} from "../log/log.ts";
import type { Storage } from "../storage/storage.ts";
import type { ChangeOutcome } from "../user_grade.ts";
import { Applier } from "./applier.ts";
import {
  forkBySeams,
  forkBySnapshot,
  forkByTime,
  ForkedError,
} from "./fork.ts";
import { GroupCommit, type GroupCommitPorts } from "./group_commit.ts";
import { HealPoints } from "./heal_points.ts";
import { originOf } from "./seams.ts";
import type { HealingCondition } from "./healing_facts.ts";
import { Lifecycle } from "./lifecycle.ts";
import { notWritable } from "./not_ready.ts";
import type { Phase, RestoreProgress } from "./readiness.ts";
import { ReplicaRequests } from "./replica_requests.ts";
import { type Place, StateMachine } from "./state_machine.ts";

const logger = getLogger(["usergrade", "replica"]);

/** What follows the state that a replica has applied. */
export interface ChangeFollower {
  /** An entry is applied, whoever proposed it: what each of its changes left. */
  applied(sequence: number, outcomes: readonly ChangeOutcome[]): void;
  /** The state is another one, made elsewhere, at this sequence. */
  adopted(sequence: number): void;
}

/** One replica of the user grades. */
export class Replica extends ReplicaRequests {
  readonly #applier: Applier;

  /**
   * @param ports The log, the event loop and the clock.
   * @param timeout_ms How long a set or a wait for a sequence may take.
   */
  constructor(ports: GroupCommitPorts, timeout_ms: number) {
    super(
      new StateMachine(),
      new Lifecycle(),
      new GroupCommit(ports, timeout_ms),
      timeout_ms,
      ports.now,
    );
    this.#applier = new Applier(this.machine, this.groupCommit, ports.now);
  }

  /** @param follower Told all that is applied from now on, and at once. */
  follow(follower: ChangeFollower): void {
    this.machine.onApplied = (sequence, outcomes) =>
      follower.applied(sequence, outcomes);
    this.machine.onAdopted = (sequence) => follower.adopted(sequence);
  }

  /** Says why the log must not be opened, for the probes. */
  hold(reason: string): void {
    this.lifecycle.hold(reason);
  }

  /** The log is open: a snapshot is looked for and restored from now on. */
  logOpened(info: Omit<LogInfo, "isNew">): void {
    this.lifecycle.logOpened(info);
    const reason = "a snapshot is being looked for";
    this.#enter({
      name: "restoring",
      progress: { reason, rows: 0, percent: 0 },
    });
  }

  /** Says how the restore goes, for the probes. */
  noteRestore(progress: RestoreProgress): void {
    this.lifecycle.noteRestore(progress);
  }

  /** The snapshot that was being restored is no longer needed. */
  restoreEnded(): void {
    this.lifecycle.rejoined();
  }

  /**
   * A snapshot is restored: entries after it are applied from now on.
   *
   * @param storage Its state, verified, which the replica owns from now on.
   * @param place The last entry that it includes.
   * @param account Where it comes from, for the probes.
   */
  adopt(storage: Storage, place: Place, account?: string): void {
    this.machine.adopt(storage, place);
    this.#enter({ name: "catching_up", until: this.lastSequence, account });
    this.#appliedMore();
  }

  /**
   * Goes on, in one step, from a snapshot that includes the next entry, which
   * the log no longer has. Gets are answered from the old state until then, and
   * from the new one afterwards.
   *
   * The caller starts the log's entries anew after the snapshot, and applies
   * none from before.
   *
   * @param storage Its state, verified, which the replica owns from now on.
   * @param place The last entry that it includes.
   * @param account Where it comes from, for the probes.
   * @throws {RangeError} If it is not beyond what is applied.
   * @throws {ForkedError} If it goes on from another state than this replica's:
   * the replica is forked.
   */
  rejoin(storage: Storage, place: Place, account?: string): void {
    const { sequence } = place;
    if (sequence <= this.appliedSequence) {
      throw new RangeError(
        `Cannot go on from a snapshot at ${sequence}: entry ${this.appliedSequence} is applied`,
      );
    }
    const reason = this.forkFrom(place);
    if (reason !== undefined) {
      this.healingChanged({ type: "forked", reason });
      throw new ForkedError(reason);
    }
    this.#applier.drop();
    this.machine.adopt(storage, place);
    this.groupCommit.loseInFlight(
      `The log does not have the change's place any more: the replica went on from a snapshot at sequence ${sequence} while the change was under way`,
    );
    const { phase } = this.lifecycle;
    this.lifecycle.rejoined();
    logger.info(
      "The log was cut; going on from a snapshot: {account}",
      { account, sequence, users: this.users, digest: this.digest },
    );
    if (phase.name === "catching_up") {
      const until = Math.max(phase.until, this.lastSequence);
      this.#enter({ name: "catching_up", until, account });
    }
    this.#appliedMore();
  }

  /** @returns Why its state is not the beginning of another one; undefined if it may be. */
  forkFrom(place: Place): string | undefined {
    const { appliedSequence: sequence, appliedTime: time, seams } = this;
    return forkBySnapshot(this, HealPoints.from(place.heals)) ??
      forkBySeams({ sequence, seams }, originOf(place)) ??
      forkByTime({ sequence, time }, place);
  }

  #enter(phase: Phase): void {
    if (!this.lifecycle.enter(phase)) return;
    const { appliedSequence, users, digest, reason } = this;
    logger.info("State {state}: {reason}", {
      state: phase.name,
      reason,
      applied_sequence: appliedSequence,
      users,
      digest,
    });
  }

  /**
   * Applies entries; the only way that the state changes once it is restored.
   *
   * @param entries The next entries.
   * @param lastSequence The log's last entry, as far as is known.
   * @param taken Called once all of them are applied: at once or, if one has no
   * room, later. Until then the log must hold back later entries.
   * @throws {LogFailedError} If an entry is missing before them, or too many
   * come while one has no room.
   */
  apply(
    entries: readonly LogEntry[],
    lastSequence: number,
    taken: () => void = () => {},
  ): void {
    this.lifecycle.lastSequence = lastSequence;
    this.#applier.apply(entries, taken);
    this.#appliedMore();
  }

  #appliedMore(): void {
    const { forked } = this.#applier;
    if (forked !== undefined && !this.isForked) {
      return this.healingChanged({ type: "forked", reason: forked });
    }
    if (this.lifecycle.stuckChanged(this.#applier.stuck) && this.isStuck) {
      this.#refuseQueued();
    }
    this.waiters.reached(this.appliedSequence);
    if (this.lifecycle.isCaughtUp(this.appliedSequence)) {
      this.#enter({ name: "ready" });
    }
  }

  /**
   * The log has lost entries that this replica has applied.
   *
   * @param sequence The sequence of the first entry still there.
   */
  firstSequenceMoved(sequence: number): void {
    this.lifecycle.firstSequenceMoved(sequence);
  }

  #refuseQueued(): void {
    if (this.groupCommit.queued > 0) {
      this.groupCommit.refuseQueued(notWritable(this));
    }
  }

  /** What the log has and accepts may have changed. */
  logLimitsChanged(
    { id, firstSequence, lastSequence, entryBytesMax }: LogLimits,
  ): void {
    this.lifecycle.logOpened({ id, firstSequence, lastSequence });
    this.groupCommit.limitEntries(entryBytesMax);
  }

  /** The log's status has changed. */
  logStatusChanged(status: LogStatus): void {
    this.lifecycle.logStatusChanged(status);
    if (this.lifecycle.connected) this.#appliedMore();
    else this.#refuseQueued();
    // No entry comes for now, and other entries may get the sequences waited
    // for.
    if (this.lifecycle.hasOtherSequences) this.waiters.expire(Infinity);
  }

  /** Whether it can make its log whole: other replicas count on it then. */
  healerChanged(isHealer: boolean): void {
    this.lifecycle.healerChanged(isHealer);
  }

  /**
   * Why no sets are taken, beside what the log says, has changed.
   *
   * @param condition What is true now. `forked` is for good; undefined ends
   * `waiting`, and the log's return the others.
   */
  healingChanged(condition: HealingCondition | undefined): void {
    this.lifecycle.healingChanged(condition);
    if (condition === undefined) return this.#appliedMore();
    this.#refuseQueued();
    if (condition.type !== "forked") return;
    this.#applier.fork(condition.reason);
    this.groupCommit.loseInFlight(
      "The log goes on without what this replica has applied",
    );
    this.waiters.expire(Infinity);
  }

  /** A batch did not commit. */
  proposalFailed(
    batch: number,
    error: NotStoredError | OutcomeUnknownError,
  ): void {
    this.groupCommit.fail(batch, error);
  }

  /**
   * Ends what has waited too long, and tries the entry that has no room again.
   * To be called a few times a second.
   *
   * @throws {LogFailedError} As {@linkcode apply}.
   */
  tick(): void {
    const now_ms = this.now();
    this.groupCommit.tick(now_ms);
    this.waiters.expire(now_ms);
    if (this.isStuck) {
      this.#applier.tick(now_ms);
      this.#appliedMore();
    }
  }

  /** Takes no more sets; those under way go on. */
  drain(reason: string): void {
    const wasReady = this.lifecycle.phase.name === "ready";
    this.#enter({ name: "draining", reason, wasReady });
    // Nobody is kept waiting for what may never be applied here.
    this.waiters.expire(Infinity);
  }

  /** The log is gone for good: ends the sets under way. */
  abandon(reason: string): void {
    this.drain(reason);
    this.groupCommit.abandon(reason);
  }
}
