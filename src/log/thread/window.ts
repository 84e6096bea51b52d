/**
 * A bound on the messages that are on their way to another thread:
 * `postMessage` has no back pressure.
 *
 * @module
 */

/** The most messages on their way. */
export const WINDOW_MESSAGES = 8;

/** The sending side's count. */
export class SendWindow {
  #onTheWay = 0;
  #isClosed = false;
  #opened: (() => void) | undefined;

  /** Counts a message that was sent, and waits until there is room for another. */
  async sent(): Promise<void> {
    this.#onTheWay++;
    while (!this.#isClosed && this.#onTheWay >= WINDOW_MESSAGES) {
      await new Promise<void>((resolve) => this.#opened = resolve);
    }
  }

  /** No more messages are sent: ends the sender's wait. */
  close(): void {
    this.#isClosed = true;
    this.#opened?.();
  }

  /** The other thread has taken some messages. */
  taken(messages: number): void {
    this.#onTheWay -= messages;
    this.#opened?.();
  }
}

/**
 * The receiving side's count. Waking the other thread costs 40 µs, so several
 * messages are confirmed at once, early enough that its window stays open.
 */
export class ReceiveWindow {
  #taken = 0;

  /** @param tell Tells the sender how many messages were taken. */
  constructor(private readonly tell: (messages: number) => void) {}

  /** A message was taken. */
  take(): void {
    if (++this.#taken < WINDOW_MESSAGES / 2) return;
    this.tell(this.#taken);
    this.#taken = 0;
  }
}
