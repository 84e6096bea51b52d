/**
 * When this replica may propose: not before the other replicas were heard, over
 * a connection to a server that was started anew, or when the log's end went
 * back. Else it could write past entries that the log has lost and another
 * replica has applied. It does no I/O.
 *
 * @module
 */

/** Whether the other replicas were heard. */
export class Admission {
  /** The server that is connected. */
  #serverId: string | undefined;
  /** The server over which the log was looked for last, before it was opened. */
  #foundOver: string | undefined;
  /** The server over which the others were heard last. */
  #heardOver: string | undefined;
  #lastHearing = 0;

  /** NATS is connected. */
  connected(serverId: string): void {
    this.#serverId = serverId;
  }

  /** It was looked whether the log is there: the others are heard meanwhile. */
  found(): void {
    this.#foundOver = this.#serverId;
  }

  /** The log was opened: the others were heard before, while it was looked for. */
  opened(): void {
    this.#heardOver = this.#foundOver ?? this.#serverId;
  }

  /** The log has lost entries, or may have. */
  doubt(): void {
    this.#heardOver = undefined;
  }

  /** Whether this replica may propose over the connection there is. */
  get isGiven(): boolean {
    return this.#heardOver !== undefined && this.#heardOver === this.#serverId;
  }

  /** @returns The number of a new hearing, which takes the place of those before. */
  begin(): number {
    return ++this.#lastHearing;
  }

  /** @returns Whether it is the last hearing that has ended; then this replica may propose. */
  heard(hearing: number): boolean {
    if (hearing !== this.#lastHearing) return false;
    this.#heardOver = this.#serverId;
    return true;
  }
}
