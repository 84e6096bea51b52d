/**
 * What others hold under the names of this replica's log, and whether a starting
 * replica may go on: it must not write over a fuller state. It does no I/O.
 *
 * @module
 */
import type { Heartbeat } from "./heartbeat.ts";

/** How long a starting replica listens: all others answer at once. */
export const HEARING_MS = 300;

/**
 * How long it listens where NATS was away: the others come back at the same
 * time, and try every half second. Replicas of 1.0 answer within two seconds.
 */
export const HEARING_AFTER_OUTAGE_MS = 2_500;

/**
 * How long a state has to look fuller than the log: servers of a cluster may
 * have yet to agree on the log's end.
 */
export const DOUBT_MS = 1_000;

/** The most holders that are remembered: 64 replicas, and as many peers. */
export const HOLDERS_MAX = 128;

/** States in which a replica has taken over no state yet. */
const EMPTY_STATES: readonly string[] = ["starting", "restoring"];

/** The log as a starting replica finds it. */
export interface FoundLog {
  readonly id: string;
  readonly lastSequence: number;
}

/** What may hold a state. */
export type HolderKind =
  /** A replica that runs. */
  | "replica"
  /** A file, which may be of any log that there ever was. */
  | "file"
  /** A place where snapshots of the logs of this name are kept. */
  | "store";

/** A state that someone else holds. */
export interface HeldState {
  /** Names the holder in a reason, as in "replica b". */
  readonly holder: string;
  /** Changes when the holder starts anew, and so has lost what it held. */
  readonly session: string;
  readonly logId: string;
  readonly sequence: number;
  readonly users: number;
  /** Whether the log is known not to be what the holder has applied. */
  readonly isOfAnotherHistory: boolean;
  /** What the holder is. */
  readonly kind: HolderKind;
}

/** Whether a starting replica may go on. */
export type Admission =
  | {
    readonly type: "go_on";
    /** The fuller state that the operator gives up (NEW_LOG). */
    readonly despite?: string;
  }
  /** Not yet known. */
  | { readonly type: "wait"; readonly reason: string }
  /** Not as long as this lasts. */
  | { readonly type: "refuse"; readonly reason: string };

/** What the others have said since this replica started. */
export class Room {
  /**
   * By holder. Silence removes nothing: the holder of the only copy may be cut
   * off.
   * Invariant: no more than {@linkcode HOLDERS_MAX}.
   */
  readonly #held = new Map<string, HeldState>();
  /** Until when others may answer; not yet known. */
  #hearingEnds_ms = Infinity;
  #doubtSince_ms: number | undefined;

  /** @param isNewLogWanted Whether fuller states are given up. */
  constructor(private readonly isNewLogWanted: boolean) {}

  /**
   * The others can be heard from now on.
   *
   * @param wasAway Whether NATS could not be reached at first.
   */
  joined(wasAway: boolean, now_ms: number): void {
    this.#hearingEnds_ms = now_ms +
      (wasAway ? HEARING_AFTER_OUTAGE_MS : HEARING_MS);
  }

  /** Takes another replica's heartbeat. */
  heard(heartbeat: Heartbeat): void {
    const { replica_id, session, state, log_id } = heartbeat;
    const holder = `replica ${replica_id}`;
    this.noteHeld(
      holder,
      log_id === null || EMPTY_STATES.includes(state) ? undefined : {
        holder,
        session,
        logId: log_id,
        sequence: heartbeat.applied_sequence,
        users: heartbeat.users,
        isOfAnotherHistory: state === "ahead_of_log",
        kind: "replica",
      },
    );
  }

  /**
   * Takes what a holder says.
   *
   * @param holder Its name.
   * @param held What it holds; undefined if it runs and holds nothing.
   */
  noteHeld(holder: string, held: HeldState | undefined): void {
    if (held === undefined || held.sequence === 0) this.#held.delete(holder);
    else if (this.#held.size < HOLDERS_MAX || this.#held.has(holder)) {
      this.#held.set(holder, held);
    }
  }

  /**
   * Decides. What was heard must be older than the look at the log, so that a
   * log that grows never looks as if it had lost its end.
   *
   * @param log The log that was found; undefined if there is none.
   */
  judge(log: FoundLog | undefined, now_ms: number): Admission {
    if (now_ms < this.#hearingEnds_ms) {
      return { type: "wait", reason: "the other replicas are being asked" };
    }
    const reason = this.#whyNot(log);
    if (reason === undefined) {
      this.#doubtSince_ms = undefined;
      return { type: "go_on" };
    }
    if (this.isNewLogWanted) return { type: "go_on", despite: reason };
    this.#doubtSince_ms ??= now_ms;
    const isSure = now_ms - this.#doubtSince_ms >= DOUBT_MS;
    return { type: isSure ? "refuse" : "wait", reason };
  }

  /** Why the log must not be used: the fullest state that does not fit in it. */
  #whyNot(log: FoundLog | undefined): string | undefined {
    let fullest: { held: HeldState; misfit: string } | undefined;
    for (const held of this.#held.values()) {
      const misfit = misfitOf(held, log);
      if (
        misfit !== undefined && held.users >= (fullest?.held.users ?? 0)
      ) fullest = { held, misfit };
    }
    if (fullest === undefined) return undefined;
    const { held, misfit } = fullest;
    const what = held.kind === "store" ? "that snapshot" : "its backup";
    return `${held.holder} holds ${held.users} users at entry ${held.sequence} of log ${held.logId}, and ${misfit}. Repair NATS or NATS_URL; or save ${what} and start with NEW_LOG=yes`;
  }
}

/** Why a state is fuller than the log; undefined if it is not. */
function misfitOf(
  { logId, sequence, users, isOfAnotherHistory, kind }: HeldState,
  log: FoundLog | undefined,
): string | undefined {
  if (log?.id !== logId) {
    if (users === 0 || kind === "file") return undefined;
    if (log === undefined) return "NATS has no such stream";
    // Snapshots of a log that was given up stay where they are.
    return kind === "store" ? undefined : `the stream is of log ${log.id}`;
  }
  if (sequence > log.lastSequence) {
    return `the log ends at entry ${log.lastSequence}`;
  }
  return isOfAnotherHistory ? "the log has other entries by now" : undefined;
}
