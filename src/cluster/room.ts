/**
 * What others hold under the names of this replica's log, and whether a starting
 * replica may go on: it must not write over a fuller state. It does no I/O.
 *
 * @module
 */
import { RECONNECT_MS } from "../log/members.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { EMPTY_STATES, GONE_AFTER_MS } from "./members.ts";
import { type FoundLog, type HeldState, misfits, reasonOf } from "./misfit.ts";
import { UnaskedPlaces } from "./unasked_places.ts";

/** How long the answer of a replica takes at most that is connected. */
const ANSWER_MS = 150;

/**
 * How long a starting replica listens: all others answer at once, and those that
 * have lost the broker are back by then, if the start is the first to find it.
 */
export const HEARING_MS = RECONNECT_MS + ANSWER_MS;

/**
 * How long it listens where NATS was away: the others come back at the same
 * time, and those of before 1.6 try every half second. Replicas of 1.0 answer
 * within two seconds.
 */
export const HEARING_AFTER_OUTAGE_MS = 2_500;

/**
 * How long a state has to look fuller than the log: servers of a cluster may
 * have yet to agree on the log's end.
 */
export const DOUBT_MS = 1_000;

/** The most holders that are remembered: 64 replicas, and as many peers. */
export const HOLDERS_MAX = 128;

/** A replica that makes a log whole. */
interface Healer {
  readonly session: string;
  /** Null while it has none yet. */
  readonly logId: string | null;
  readonly heard_ms: number;
}

/** A replica that may propose. */
interface Admitted {
  readonly logId: string | null;
  /** The others that it hears. */
  readonly hears: readonly string[];
}

/** Whether a starting replica may go on. */
export type Admission =
  | {
    readonly type: "go_on";
    /** The fuller state that the operator gives up (NEW_LOG). */
    readonly despite?: string;
  }
  /** Not yet known, and not before `until_ms`, if that is given. */
  | {
    readonly type: "wait";
    readonly reason: string;
    readonly until_ms?: number;
  }
  /** Not as long as this lasts; `isPassing` if it ends by itself. */
  | {
    readonly type: "refuse";
    readonly reason: string;
    readonly isPassing?: true;
  };

/** What the others have said since this replica started. */
export class Room {
  /**
   * By holder. Silence removes nothing: the holder of the only copy may be cut
   * off.
   * Invariant: no more than {@linkcode HOLDERS_MAX}.
   */
  readonly #held = new Map<string, HeldState>();
  /** By holder. Invariant: no more than {@linkcode HOLDERS_MAX}. */
  readonly #healers = new Map<string, Healer>();
  /**
   * The lives of holders that an operator has given up.
   * Invariant: no more than {@linkcode HOLDERS_MAX}.
   */
  readonly #givenUp = new Set<string>();
  /** Until when others may answer; not yet known. */
  #hearingEnds_ms = Infinity;
  /**
   * The ids of those that were heard since they can be.
   * Invariant: no more than {@linkcode HOLDERS_MAX}.
   */
  readonly #heard = new Set<string>();
  /**
   * Those of them that may propose, by id.
   * Invariant: no more than {@linkcode HOLDERS_MAX}.
   */
  readonly #admitted = new Map<string, Admitted>();
  readonly #unasked = new UnaskedPlaces();
  #doubtSince_ms: number | undefined;
  #connections = 0;

  /**
   * @param isNewLogWanted Whether fuller states are given up.
   * @param restorerId This replica's id, if it makes the log from a file. Of
   * several that do, the one with the smallest id goes first.
   */
  constructor(
    private readonly isNewLogWanted: boolean,
    private readonly restorerId?: string,
  ) {}

  /**
   * The others can be heard from now on.
   *
   * @param wasAway Whether NATS could not be reached at first.
   */
  joined(wasAway: boolean, now_ms: number): void {
    this.#connections++;
    this.#hearingEnds_ms = now_ms +
      (wasAway ? HEARING_AFTER_OUTAGE_MS : HEARING_MS);
    this.#heard.clear();
    this.#admitted.clear();
  }

  /** Over how many connections the others could be heard, one after the other. */
  get connections(): number {
    return this.#connections;
  }

  /** Takes another replica's heartbeat. */
  heard(heartbeat: Heartbeat, now_ms: number): void {
    const { replica_id, session, state, log_id, hears } = heartbeat;
    const holder = `replica ${replica_id}`;
    if (this.#heard.size < HOLDERS_MAX) this.#heard.add(replica_id);
    put(this.#admitted, replica_id, hears && { logId: log_id, hears });
    put(
      this.#healers,
      holder,
      state === "healing"
        ? { session, logId: log_id, heard_ms: now_ms }
        : undefined,
    );
    this.noteHeld(
      holder,
      log_id === null || EMPTY_STATES.includes(state) ? undefined : {
        holder,
        session,
        logId: log_id,
        sequence: heartbeat.applied_sequence,
        users: heartbeat.users,
        isOfAnotherHistory: state === "ahead_of_log",
        isForked: state === "forked",
        healedTo: heartbeat.healed_to ?? null,
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
    put(this.#held, holder, held?.sequence === 0 ? undefined : held);
  }

  /**
   * Takes whether a place could be asked what it holds.
   *
   * @param reason Why not; undefined if it has answered.
   */
  noteUnasked(name: string, reason: string | undefined): void {
    this.#unasked.note(name, reason);
  }

  /**
   * Whether others may still have to say something.
   *
   * They have not if one of them may propose to this very log and all that it and
   * its like know of have been heard: it has heard the others before it was
   * admitted and hears them still, and whoever it does not know can't be protected
   * by this replica's waiting, since that one proposes already.
   */
  isHearing(log: FoundLog | undefined, now_ms: number): boolean {
    if (now_ms >= this.#hearingEnds_ms) return false;
    return !(
      this.#isFollowed(log) &&
      [...this.#admitted.values()].every(({ hears }) =>
        hears.every((id) => this.#heard.has(id))
      )
    );
  }

  /** Whether a replica was heard that may propose to this very log. */
  #isFollowed(log: FoundLog | undefined): boolean {
    return [...this.#admitted.values()].some(({ logId }) =>
      logId !== null && logId === log?.id
    );
  }

  /**
   * Decides. What was heard must be older than the look at the log, so that a
   * log that grows never looks as if it had lost its end.
   *
   * @param log The log that was found; undefined if there is none.
   */
  judge(log: FoundLog | undefined, now_ms: number): Admission {
    if (this.isHearing(log, now_ms)) {
      return {
        type: "wait",
        reason: "the other replicas are being asked",
        until_ms: this.#hearingEnds_ms,
      };
    }
    const fuller = misfits([...this.#held.values()], log);
    const unasked = this.#unasked.hindrance(log, this.#isFollowed(log), now_ms);
    if (fuller.length > 0 && this.isNewLogWanted) {
      for (const { held } of fuller) {
        this.#givenUp.add(life(held.holder, held.session));
      }
      return { type: "go_on", despite: reasonOf(fuller) };
    }
    const healer = this.#healer(log, now_ms);
    if (fuller.length === 0 && healer === undefined) {
      this.#doubtSince_ms = undefined;
      if (unasked === undefined) return { type: "go_on" };
      return this.isNewLogWanted
        ? { type: "go_on", despite: unasked }
        : { type: "refuse", reason: unasked, isPassing: true };
    }
    const reason = healer === undefined
      ? reasonOf(fuller)
      : `${healer} makes the log whole, and this start goes on when that is done`;
    this.#doubtSince_ms ??= now_ms;
    return now_ms - this.#doubtSince_ms < DOUBT_MS
      ? { type: "wait", reason }
      : {
        type: "refuse",
        reason,
        ...(healer !== undefined && { isPassing: true }),
      };
  }

  /**
   * Whether an operator has given up what a replica holds, with NEW_LOG: only
   * what stood against this start counts, and not the replica's next life.
   */
  isGivenUp({ id, session }: { id: string; session: string }): boolean {
    return this.#givenUp.has(life(`replica ${id}`, session));
  }

  /** Who makes this log whole, or one that is not there yet. */
  #healer(log: FoundLog | undefined, now_ms: number): string | undefined {
    for (const [holder, { session, logId, heard_ms }] of this.#healers) {
      const isOfThisLog = log === undefined || log.lastSequence === 0 ||
        logId === null || logId === log.id;
      const comesLater = logId === null && this.restorerId !== undefined &&
        `replica ${this.restorerId}` < holder;
      if (
        isOfThisLog && !comesLater && now_ms - heard_ms <= GONE_AFTER_MS &&
        !this.#givenUp.has(life(holder, session))
      ) return holder;
    }
    return undefined;
  }
}

/** Keeps a value, or removes it; what is kept is bounded. */
function put<T>(
  map: Map<string, T>,
  key: string,
  value: T | undefined,
): void {
  if (value === undefined) map.delete(key);
  else if (map.size < HOLDERS_MAX || map.has(key)) map.set(key, value);
}

/** One life of a holder. */
function life(holder: string, session: string): string {
  return `${holder} ${session}`;
}
