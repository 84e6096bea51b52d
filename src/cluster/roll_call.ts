/**
 * Which replicas were there before this one lost its connection, or asks anew
 * for another reason, and have not been heard since. It does no I/O.
 *
 * @module
 */
import { HEARING_MS } from "./hearing.ts";
import { GONE_AFTER_MS } from "./members.ts";

/**
 * How long a replica listens that knew others once, of which none was there any
 * more: it may itself have stood still, and those of before 1.6 try to connect
 * twice a second.
 */
export const RETURN_MS = 1_000;

/** Who is awaited. All times are of one clock that never goes back. */
export class RollCall {
  /** By replica id. */
  #awaited = new Set<string>();
  /** When the others can be heard since; undefined while they can't be. */
  #connected_ms: number | undefined;
  /** When they were asked last; undefined while they can't be. */
  #asked_ms: number | undefined;
  /** How long after that all may answer that were not there before. */
  #listens_ms = 0;
  #isAnyoneKnown = false;
  #hasLeft = false;
  /** Whether the connection has asked, and nobody has waited for it yet. */
  #isFresh = false;

  /** Since when others are heard without a break; undefined if they are not. */
  get connected_ms(): number | undefined {
    return this.#connected_ms;
  }

  /** Whether nobody can be heard since the connection was lost. */
  get isDeaf(): boolean {
    return this.#hasLeft;
  }

  /** The connection is lost. @param present The ids of those that were there. */
  left(present: readonly string[], now_ms: number): void {
    this.#giveUp(now_ms);
    // Whoever was awaited before is awaited again.
    for (const id of present) this.#awaited.add(id);
    this.#hasLeft = true;
    this.#connected_ms = undefined;
    this.#asked_ms = undefined;
  }

  /** Others can be heard, and are asked. @param present As for `left`. */
  joined(present: readonly string[], now_ms: number): void {
    if (this.#connected_ms !== undefined) this.left(present, now_ms);
    this.#hasLeft = false;
    this.#connected_ms = now_ms;
    this.#asked(now_ms);
    this.#isFresh = true;
  }

  /**
   * Everybody is to be heard from now on.
   *
   * @param present As for `left`.
   * @returns Whether they have to be asked: a new connection does it itself.
   */
  begin(present: readonly string[], now_ms: number): boolean {
    const isNeeded = this.#connected_ms !== undefined && !this.#isFresh;
    this.#isFresh = false;
    if (!isNeeded) return false;
    for (const id of present) this.#awaited.add(id);
    this.#asked(now_ms);
    return true;
  }

  #asked(now_ms: number): void {
    this.#asked_ms = now_ms;
    if (this.#awaited.size > 0) this.#listens_ms = 0;
    else this.#listens_ms = this.#isAnyoneKnown ? RETURN_MS : HEARING_MS;
  }

  /** A replica was heard: in whatever life it is, that is its last word. */
  heard(id: string): void {
    this.#isAnyoneKnown = true;
    if (this.#connected_ms !== undefined) this.#awaited.delete(id);
  }

  /**
   * @returns Who has not been heard: everybody that was there while the
   * connection is lost, and nobody once those that are silent must be gone.
   */
  awaited(now_ms: number): string[] {
    this.#giveUp(now_ms);
    return [...this.#awaited].sort();
  }

  #giveUp(now_ms: number): void {
    const asked_ms = this.#asked_ms;
    if (asked_ms !== undefined && now_ms - asked_ms > GONE_AFTER_MS) {
      this.#awaited.clear();
    }
  }

  /** @returns Whether all that may be there had time to answer. */
  isOver(now_ms: number): boolean {
    if (this.#asked_ms === undefined) return false;
    return this.awaited(now_ms).length === 0 &&
      now_ms - this.#asked_ms >= this.#listens_ms;
  }
}
