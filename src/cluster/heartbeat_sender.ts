/**
 * This replica's own heartbeats: what it says of itself, and when.
 *
 * @module
 */
import {
  encodeHeartbeat,
  type Heartbeat,
  HEARTBEAT_CHECKPOINTS_MAX,
  HEARTBEAT_SEAMS_MAX,
} from "./heartbeat.ts";
import type { HeartbeatForms } from "../log/members.ts";
import type { Seams } from "../replica/seams.ts";

/** The interval between heartbeats; a new state is sent at once. */
const HEARTBEAT_MS = 2_000;

/** The same while the log is being made whole: each of its steps waits for all. */
const HEALING_HEARTBEAT_MS = 500;

/** The least time between two answers to replicas that ask or are new. */
const ANSWER_INTERVAL_MS = 100;

/** States that say by themselves that the log is not what was applied. */
const LOSS_STATES: readonly string[] = ["healing", "forked"];

/** States of a replica that follows its log. */
const FOLLOWING_STATES: readonly string[] = ["catching_up", "ready"];

/** Who a replica is. */
export interface Identity {
  readonly replicaId: string;
  readonly version: string;
  /** 32 hex digits, unique for each start of a replica. */
  readonly session: string;
}

/** This replica, as the others need it. */
export interface LocalReplica {
  readonly state: string;
  readonly reason: string;
  /** Whether the log can be proposed to. */
  readonly connected: boolean;
  /** Whether sets are taken: it has caught up, and nothing stands against them. */
  readonly writable: boolean;
  /** Whether the log is known to have lost what this replica has applied. */
  readonly isAheadOfLog: boolean;
  /**
   * Whether the log looks as if it had lost that, and its servers may have yet
   * to agree.
   */
  readonly isLogInDoubt: boolean;
  /** How many heal points its state has; undefined if it does not heal. */
  readonly healCount: number | undefined;
  /** The sequence of the newest of them; null if there is none. */
  readonly healedTo: number | null;
  /** Where its log may have gone another way. */
  readonly seams: Pick<Seams, "newest">;
  readonly log: { readonly id: string } | undefined;
  readonly appliedSequence: number;
  readonly lastSequence: number;
  readonly users: number;
  readonly digest: string;
  readonly restoreProgress:
    | { readonly rows: number; readonly percent: number }
    | undefined;
  /** @returns The newest checkpoints with their digests, at most `count`. */
  checkpoints(count: number): [sequence: number, digest: string][];
  /** @returns The digest at a sequence; undefined if it is no longer known. */
  digestAt(sequence: number): string | undefined;
}

/** Sends a heartbeat to the other replicas. */
export type SendHeartbeat = (forms: HeartbeatForms) => void;

/** Sends heartbeats in time. All times are of one clock that never goes back. */
export class HeartbeatSender {
  #sentAt_ms = -Infinity;
  #sentState = "";
  /** Whether a replica that asks, or is new, waits for an answer. */
  #isAsked = false;

  /**
   * @param identity Who this replica is.
   * @param replica This replica.
   * @param sendHeartbeat Sends what it says.
   * @param hears Who else has a state and is there; undefined if they are too
   * many to be told.
   */
  constructor(
    private readonly identity: Identity,
    private readonly replica: LocalReplica,
    private readonly sendHeartbeat: SendHeartbeat,
    private readonly hears: (now_ms: number) => string[] | undefined,
  ) {}

  /** Sends one now that all answer. */
  ask(now_ms: number): void {
    this.#send(now_ms, true);
  }

  /** Another replica wants to know who is there. */
  answer(now_ms: number): void {
    this.#isAsked = true;
    this.tick(now_ms);
  }

  /** Sends a heartbeat if one is due. Call it a few times a second. */
  tick(now_ms: number): void {
    const age_ms = now_ms - this.#sentAt_ms;
    if (
      age_ms >= this.#interval_ms || this.#sentState !== this.#changes() ||
      (this.#isAsked && age_ms >= ANSWER_INTERVAL_MS)
    ) this.#send(now_ms);
  }

  get #interval_ms(): number {
    return this.replica.state === "healing"
      ? HEALING_HEARTBEAT_MS
      : HEARTBEAT_MS;
  }

  /** What makes a heartbeat due when it changes. */
  #changes(): string {
    const { state, connected, healCount, healedTo } = this.replica;
    return `${state} ${this.#told} ${connected} ${healCount} ${healedTo}`;
  }

  /**
   * The others, version 1.0 included, compare their digests with those of a
   * replica that is ready or leaves, and no log is healed while one that is
   * ready has all of it. So a replica whose history is another one, or may be,
   * says that as its state.
   */
  get #told(): string {
    const { state, isAheadOfLog, isLogInDoubt } = this.replica;
    if (LOSS_STATES.includes(state)) return state;
    if (isAheadOfLog) return "ahead_of_log";
    return isLogInDoubt && FOLLOWING_STATES.includes(state) ? "away" : state;
  }

  /**
   * Nobody compares one that restores, heals or is forked, and others may wait
   * for its word.
   */
  #send(now_ms: number, asks = false): void {
    this.#sentState = this.#changes();
    this.#sentAt_ms = now_ms;
    this.#isAsked = false;
    const { state } = this.replica;
    const heartbeat = { ...this.current(), ...(asks && { asks }) };
    const told = this.#told;
    const hears = this.replica.writable ? this.hears(now_ms) : undefined;
    const isNeverCompared = LOSS_STATES.includes(state) ||
      state === "restoring";
    // Made when they are read: whoever knows which is true reads one.
    this.sendHeartbeat({
      get admitted() {
        return hears && encodeHeartbeat({ ...heartbeat, state: told, hears });
      },
      get sure() {
        return encodeHeartbeat({ ...heartbeat, state: told });
      },
      get unsure() {
        if (isNeverCompared) return this.sure;
        return FOLLOWING_STATES.includes(state)
          ? encodeHeartbeat({ ...heartbeat, state: "away" })
          : undefined;
      },
    });
  }

  /** @returns What this replica is now. */
  current(): Heartbeat {
    const { replica, identity } = this;
    const progress = replica.restoreProgress;
    const seams = replica.seams.newest(HEARTBEAT_SEAMS_MAX);
    return {
      replica_id: identity.replicaId,
      session: identity.session,
      version: identity.version,
      state: replica.state,
      reason: replica.reason,
      log_id: replica.log?.id ?? null,
      applied_sequence: replica.appliedSequence,
      last_sequence: replica.lastSequence,
      users: replica.users,
      digest: replica.digest,
      restore: progress === undefined
        ? null
        : { rows: progress.rows, percent: progress.percent },
      checkpoints: replica.checkpoints(HEARTBEAT_CHECKPOINTS_MAX),
      healed_to: replica.healedTo,
      ...(replica.healCount !== undefined && { heals: replica.healCount }),
      ...(seams && { seams }),
    };
  }
}
