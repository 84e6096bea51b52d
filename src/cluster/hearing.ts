/**
 * For how long a starting replica listens to the others before it goes on. It
 * does no I/O.
 *
 * @module
 */
import { RECONNECT_MS } from "../log/members.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { HOLDERS_MAX } from "./members.ts";
import type { FoundLog } from "./misfit.ts";

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

/** A replica that may propose. */
interface Admitted {
  readonly logId: string | null;
  /** The others that it hears. */
  readonly hears: readonly string[];
}

/** Who has answered a starting replica over its present connection. */
export class Hearing {
  /** Until when others may answer; not yet known. */
  #ends_ms = Infinity;
  /**
   * Those that were heard, by id, and whether they may propose.
   * Invariant: no more than {@linkcode HOLDERS_MAX}.
   */
  readonly #heard = new Map<string, Admitted | undefined>();
  #connections = 0;

  /**
   * The others can be heard from now on.
   *
   * @param wasAway Whether NATS could not be reached at first.
   */
  joined(wasAway: boolean, now_ms: number): void {
    this.#connections++;
    this.#ends_ms = now_ms + (wasAway ? HEARING_AFTER_OUTAGE_MS : HEARING_MS);
    this.#heard.clear();
  }

  /** Over how many connections the others could be heard, one after the other. */
  get connections(): number {
    return this.#connections;
  }

  /** When it ends at the latest; infinite as long as nobody can be heard. */
  get ends_ms(): number {
    return this.#ends_ms;
  }

  /** Takes another replica's heartbeat. */
  heard({ replica_id: id, log_id: logId, hears }: Heartbeat): void {
    if (this.#heard.size >= HOLDERS_MAX && !this.#heard.has(id)) return;
    this.#heard.set(id, hears && { logId, hears });
  }

  /**
   * Whether others may still have to say something.
   *
   * They have not if one of them may propose to this very log and all that it and
   * its like know of have been heard: it has heard the others before it was
   * admitted and hears them still, and whoever it does not know can't be protected
   * by this replica's waiting, since that one proposes already.
   *
   * @param log The log that was found; undefined if there is none.
   */
  isOn(log: FoundLog | undefined, now_ms: number): boolean {
    if (now_ms >= this.#ends_ms) return false;
    return !(
      this.isFollowed(log) &&
      this.#admitted.every(({ hears }) =>
        hears.every((id) => this.#heard.has(id))
      )
    );
  }

  /** Whether one was heard that may propose to this very log. */
  isFollowed(log: FoundLog | undefined): boolean {
    return this.#admitted.some(({ logId }) =>
      logId !== null && logId === log?.id
    );
  }

  /** Those that may propose. */
  get #admitted(): Admitted[] {
    return [...this.#heard.values()].filter((one) => one !== undefined);
  }
}
