/**
 * What others hold under the names of this replica's log, and whether a starting
 * replica may go on: it must not write over a fuller state. It does no I/O.
 *
 * @module
 */
import { Hearing } from "./hearing.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { EMPTY_STATES, GONE_AFTER_MS, HOLDERS_MAX } from "./members.ts";
import { type FoundLog, type HeldState, misfits, reasonOf } from "./misfit.ts";
import { UnaskedPlaces } from "./unasked_places.ts";

/**
 * How long a state has to look fuller than the log: servers of a cluster may
 * have yet to agree on the log's end.
 */
export const DOUBT_MS = 1_000;

/** A replica that makes a log whole. */
interface Healer {
  readonly session: string;
  /** Null while it has none yet. */
  readonly logId: string | null;
  readonly heard_ms: number;
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
  /** Who has answered over the present connection. */
  readonly hearing = new Hearing();
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
  readonly #unasked = new UnaskedPlaces();
  #withdrawals = 0;
  #doubtSince_ms: number | undefined;

  /**
   * @param isNewLogWanted Whether fuller states are given up.
   * @param restorerId This replica's id, if it makes the log from a file. Of
   * several that do, the one with the smallest id goes first.
   */
  constructor(
    private readonly isNewLogWanted: boolean,
    private readonly restorerId?: string,
  ) {}

  /** Takes another replica's heartbeat. */
  heard(heartbeat: Heartbeat, now_ms: number): void {
    const { replica_id, session, state, log_id } = heartbeat;
    const holder = `replica ${replica_id}`;
    this.hearing.heard(heartbeat);
    const didHold = this.#held.has(holder);
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
    if (didHold && !this.#held.has(holder)) this.#withdrawals++;
  }

  /**
   * How often a replica that held a state said that it holds none: it was started
   * anew, and may have stored the state before.
   */
  get withdrawals(): number {
    return this.#withdrawals;
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
   * Decides. What was heard must be older than the look at the log, so that a
   * log that grows never looks as if it had lost its end.
   *
   * @param log The log that was found; undefined if there is none.
   */
  judge(log: FoundLog | undefined, now_ms: number): Admission {
    if (this.hearing.isOn(log, now_ms)) {
      return {
        type: "wait",
        reason: "the other replicas are being asked",
        until_ms: this.hearing.ends_ms,
      };
    }
    const fuller = misfits([...this.#held.values()], log);
    const unasked = this.#unasked.hindrance(
      log,
      this.hearing.isFollowed(log),
      now_ms,
    );
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
