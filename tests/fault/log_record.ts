/**
 * All entries that a log ever had and that count, whatever it has now. It does
 * no I/O.
 *
 * @module
 */

/** The payload of an entry that changes nothing. */
export const NOTHING = "";

/** Entries as they were read, while there were. */
export class LogRecord {
  readonly #payloads = new Map<number, string>();
  #next = 1;
  #isPaused = false;
  #generation = 0;

  /** @param onSurprise Told of entries that change. */
  constructor(private readonly onSurprise: (what: string) => void) {}

  /** The sequence to read next. */
  get next(): number {
    return this.#next;
  }

  /** Another one whenever what was asked before may be void by now. */
  get generation(): number {
    return this.#generation;
  }

  /** The log is about to lose entries: nothing counts until `healed`. */
  pause(): void {
    this.#isPaused = true;
    this.#generation++;
  }

  /**
   * The log was made whole up to an entry: all that it had after that is void.
   * What nobody has read before it are marks of healings that were lost again.
   */
  healed(sequence: number): void {
    for (const known of this.#payloads.keys()) {
      if (known > sequence) this.#payloads.delete(known);
    }
    for (let next = this.#next; next <= sequence; next++) {
      if (!this.#payloads.has(next)) this.#payloads.set(next, NOTHING);
    }
    this.#next = sequence + 1;
    this.#isPaused = false;
    this.#generation++;
  }

  /** Takes an entry, which may be there already. */
  note(sequence: number, payload: string): void {
    if (this.#isPaused) return;
    const before = this.#payloads.get(sequence);
    if (before !== undefined && before !== payload) {
      this.onSurprise(
        `entry ${sequence} of the log was ${before} and is ${payload}`,
      );
    }
    this.#payloads.set(sequence, payload);
    this.#advance();
  }

  /** Takes note that the log has no entries before one any more. */
  noteFirst(sequence: number): void {
    if (this.#isPaused) return;
    this.#next = Math.max(this.#next, sequence);
    this.#advance();
  }

  #advance(): void {
    while (this.#payloads.has(this.#next)) this.#next++;
  }

  /**
   * @param last The log's last sequence.
   * @returns The entries that were cut before anyone has read them: without
   * them nothing can be proven.
   */
  missing(last: number): number[] {
    return Array.from({ length: last }, (_, i) => i + 1)
      .filter((sequence) => !this.#payloads.has(sequence));
  }

  /**
   * @param last The log's last sequence.
   * @returns The payloads from sequence 1 on, {@linkcode NOTHING} for one that
   * is missing.
   */
  payloads(last: number): string[] {
    return Array.from(
      { length: last },
      (_, i) => this.#payloads.get(i + 1) ?? NOTHING,
    );
  }
}
