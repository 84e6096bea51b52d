/**
 * What a replica says of itself: for probes, metrics, `/status` and heartbeats,
 * which change nothing.
 *
 * @module
 */
import type { ReplicaState } from "../replica_states.ts";
import type { HealPoints } from "./heal_points.ts";
import type { Seams } from "./seams.ts";
import type { GroupCommit } from "./group_commit.ts";
import type { Lifecycle, LogView } from "./lifecycle.ts";
import type { RestoreProgress } from "./readiness.ts";
import { notReadable, notWatchable } from "./not_ready.ts";
import type { StateMachine } from "./state_machine.ts";

/** A replica that can only be read. */
export class ReplicaView {
  /**
   * @param machine What it has applied.
   * @param lifecycle Where it is in its life.
   * @param groupCommit Its own sets.
   */
  constructor(
    protected readonly machine: StateMachine,
    protected readonly lifecycle: Lifecycle,
    protected readonly groupCommit: GroupCommit,
  ) {}

  /** Its sets and deletions: how many are under way, and how the others ended. */
  get sets(): Pick<
    GroupCommit,
    "counts" | "pending" | "queued" | "gap_ms"
  > {
    return this.groupCommit;
  }

  /** Counts of what was applied. */
  get applied(): Pick<StateMachine, "poisonEntries" | "sets" | "deletions"> {
    return this.machine;
  }

  /** How often it reconnected, and how many rows it restored. */
  get history(): Pick<Lifecycle, "reconnects" | "restoredRows"> {
    return this.lifecycle;
  }

  /** Where it is in its life. */
  get state(): ReplicaState {
    return this.lifecycle.readiness.state;
  }

  /** Why it is in that state, or why sets can't commit, in a few words. */
  get reason(): string {
    return this.lifecycle.readiness.reason;
  }

  /** Whether gets are answered. */
  get readable(): boolean {
    return this.lifecycle.readiness.readable;
  }

  /**
   * @throws {NotReadyError} If it can't tell now what came after a sequence, or
   * not for long.
   */
  assertWatchable(): void {
    if (!this.readable || this.state === "draining") throw notReadable(this);
    if (this.lifecycle.hasOtherSequences) throw notWatchable(this);
  }

  /** Whether sets can commit now. */
  get writable(): boolean {
    return this.lifecycle.readiness.writable;
  }

  /** Whether the log can be proposed to. */
  get connected(): boolean {
    return this.lifecycle.connected && !this.lifecycle.isWaiting;
  }

  /** Whether the log is known to have lost what it has applied. */
  get isAheadOfLog(): boolean {
    return this.lifecycle.isAheadOfLog;
  }

  /** Whether the log looks as if it had lost that, as long as that is not sure. */
  get isLogInDoubt(): boolean {
    return this.lifecycle.isLogInDoubt;
  }

  /** Whether the log goes on from another state than its own. */
  get isForked(): boolean {
    return this.lifecycle.isForked;
  }

  /** Where its log was healed, as far as it has applied it. */
  get heals(): HealPoints {
    return this.machine.heals;
  }

  /** Where its log may have gone another way, as far as it has applied it. */
  get seams(): Seams {
    return this.machine.seams;
  }

  /** How many heal points it has; undefined if it does not heal its log. */
  get healCount(): number | undefined {
    return this.lifecycle.isHealer ? this.heals.count : undefined;
  }

  /** The sequence of the newest heal point; null if there is none. */
  get healedTo(): number | null {
    return this.heals.last?.sequence ?? null;
  }

  /** Whether it holds a whole state now: it can be kept as a snapshot. */
  get isWhole(): boolean {
    return this.lifecycle.readiness.whole && this.machine.isWhole;
  }

  /** Whether its log must not be opened, for now. */
  get isHeld(): boolean {
    const { phase } = this.lifecycle;
    return phase.name === "starting" && phase.held !== undefined;
  }

  /** Whether there is no room for a record, so that no entry is applied. */
  get isStuck(): boolean {
    return this.machine.isStuck;
  }

  /** How the restore goes; undefined when there is none. */
  get restoreProgress(): RestoreProgress | undefined {
    return this.lifecycle.restoreProgress;
  }

  /** The log that it applies; undefined before that is open. */
  get log(): LogView | undefined {
    return this.lifecycle.log;
  }

  /** The sequence of the last applied entry. */
  get appliedSequence(): number {
    return this.machine.sequence;
  }

  /** The sequence of the last entry known to be in the log. */
  get lastSequence(): number {
    return Math.max(this.machine.sequence, this.lifecycle.lastSequence);
  }

  /** When the log took that entry; null if none was applied. */
  get appliedTime(): string | null {
    return this.machine.time;
  }

  /** How many users there are at the applied sequence. */
  get users(): number {
    return this.machine.users;
  }

  /** The digest of the records at the applied sequence. */
  get digest(): string {
    return this.machine.digest;
  }

  /** @returns The newest checkpoints with their digests, at most `count`. */
  checkpoints(count: number): [sequence: number, digest: string][] {
    return this.machine.checkpoints(count);
  }

  /** @returns The digest at a sequence; undefined if it is no longer known. */
  digestAt(sequence: number): string | undefined {
    return this.machine.digestAt(sequence);
  }
}
