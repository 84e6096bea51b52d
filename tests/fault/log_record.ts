/**
 * All entries that a log ever had, whatever it has now. It does no I/O.
 *
 * @module
 */

/** Entries as they were read, while there were. */
export class LogRecord {
  readonly #payloads = new Map<number, string>();
  #next = 1;

  /** @param onSurprise Told of entries that change. */
  constructor(private readonly onSurprise: (what: string) => void) {}

  /** The sequence to read next. */
  get next(): number {
    return this.#next;
  }

  /** Takes an entry, which may be there already. */
  note(sequence: number, payload: string): void {
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
   * @returns The payloads from sequence 1 on, `[]` for one that is missing.
   */
  payloads(last: number): string[] {
    return Array.from(
      { length: last },
      (_, i) => this.#payloads.get(i + 1) ?? "[]",
    );
  }
}
