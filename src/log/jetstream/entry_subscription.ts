/**
 * The messages of the stream's consumer, over one connection. It decides
 * nothing.
 *
 * @module
 */
import {
  createInbox,
  type Msg,
  type NatsConnection,
  type Subscription,
} from "nats";
import { headersOf, inboxPrefix } from "./connection.ts";
import type { FeedMessage } from "./feed_message.ts";

/** One consumer after the other, until the connection ends. */
export class EntrySubscription {
  #subscription: Subscription | undefined;
  /**
   * What the consumer has sent until it is known where it is; undefined from
   * then on. NATS sends no more than some MiB before it is answered.
   */
  #held: FeedMessage[] | undefined;

  /**
   * @param connection Where its messages come from.
   * @param replicaId Begins the subjects on which it takes them.
   * @param receive Gets each message of the consumer that was taken last.
   */
  constructor(
    private readonly connection: NatsConnection,
    private readonly replicaId: string,
    private readonly receive: (message: FeedMessage) => void,
  ) {}

  /**
   * Subscribes in the place of the consumer before. It gives its messages once
   * it is taken.
   *
   * @returns The subject that the new consumer is to send to.
   */
  open(): string {
    this.stop();
    this.#held = [];
    const inbox = createInbox(inboxPrefix(this.replicaId));
    const subscription = this.connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error !== null || subscription !== this.#subscription) return;
        const given = feedMessage(message);
        if (this.#held === undefined) this.receive(given);
        else this.#held.push(given);
      },
    });
    this.#subscription = subscription;
    return inbox;
  }

  /** The consumer gives its messages from now on. */
  take(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const message of held) this.receive(message);
  }

  /** Takes no more messages of the consumer. */
  stop(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#held = undefined;
  }

  /** Lets the consumer send more. */
  answerFlow(reply: string): void {
    if (!this.connection.isClosed()) this.connection.publish(reply);
  }
}

/** Hot: once for each entry. */
function feedMessage(message: Msg): FeedMessage {
  const { subject, reply, data } = message;
  const head = headersOf(message);
  const header = (name: string) => head?.get(name) ?? "";
  return { subject, reply, data, header, bytes: bytesOf(message) };
}

/** The bytes of a message without its reply subject. */
function bytesOf(message: Msg): number {
  // The class has it; its interface does not say so.
  const size = (message as Msg & { size(): number }).size();
  return size - (message.reply?.length ?? 0);
}
