/**
 * Reads a log while it is written, so that it is known whole when it was cut.
 *
 * It asks for one sequence after the other. That has no state that a broker
 * could lose, and goes on at once when one is back.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { BrokerClient } from "./broker_client.ts";
import type { LogRecord } from "./log_record.ts";

/** How many entries are asked for at once, at most. */
const WINDOW_ENTRIES = 32;

/** How long it waits at the end of the log. */
const POLL_MS = 10;

/** Reads over one connection, until it is disposed of. */
export class LogRecorder implements AsyncDisposable {
  readonly #following: Promise<void>;
  #isStopped = false;

  /**
   * @param client The connection.
   * @param record Where the entries go.
   */
  constructor(
    private readonly client: BrokerClient,
    private readonly record: LogRecord,
  ) {
    this.#following = this.#follow();
  }

  async #follow(): Promise<void> {
    const { record } = this;
    let window = 1;
    while (!this.#isStopped) {
      const { next: first, generation } = record;
      const answers = await Promise.all(
        Array.from(
          { length: window },
          (_, i) => this.client.entry(first + i).catch(() => undefined),
        ),
      );
      if (record.generation !== generation) continue;
      const found = answers.filter((answer) => answer !== undefined);
      for (const { sequence, payload } of found) record.note(sequence, payload);
      // The log has no entry between the one asked for and the one given.
      const [start] = answers;
      if (start !== undefined) record.noteFirst(start.sequence);
      const isFull = found.length === window;
      window = isFull ? Math.min(2 * window, WINDOW_ENTRIES) : 1;
      if (!isFull) await sleep(POLL_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await this.#following;
  }
}
