/**
 * Publishing batches and probes over one connection, and hearing the stream
 * refuse them. It decides nothing.
 *
 * @module
 */
import {
  createInbox,
  headers as newHeaders,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
} from "nats";
import { describe, headersOf, inboxPrefix } from "./connection.ts";
import { AFTER, MESSAGE_ID, SEAM } from "./feed_message.ts";
import type { JetStreamOptions } from "./options.ts";
import type { PublishAction } from "./session_actions.ts";
import type { Refused, Unsent } from "./session_events.ts";
import { type OwnSubjects, ownSubjects } from "./subjects.ts";

const decoder = new TextDecoder();

/** Publishes to the subjects of one replica. */
export class BatchPublisher {
  readonly #subjects: OwnSubjects;
  /** Where the stream answers to batches: a subject for each. */
  readonly #ackPrefix: string;

  /** @param tell Told of each batch that does not get into the stream. */
  constructor(
    private readonly connection: NatsConnection,
    private readonly options: JetStreamOptions,
    private readonly tell: (event: Refused | Unsent) => void,
  ) {
    const { stream, replicaId } = options;
    this.#subjects = ownSubjects(stream, replicaId);
    this.#ackPrefix = createInbox(inboxPrefix(replicaId));
    connection.subscribe(`${this.#ackPrefix}.*`, {
      callback: (error, message) => {
        if (error === null) this.#receiveAck(message);
      },
    });
  }

  /** Publishes a batch or a probe. */
  publish(action: PublishAction): void {
    const { batch, payload, version } = action;
    const headers = this.#headers(action);
    try {
      this.connection.publish(this.#subjects[version], payload, {
        headers,
        reply: `${this.#ackPrefix}.${batch}`,
      });
    } catch (error) {
      const { code } = error as { code?: string };
      const reason = code === "MAX_PAYLOAD_EXCEEDED"
        ? `${payload.length} bytes and their headers are more than the NATS server's max_payload, ${
          this.connection.info?.max_payload ?? 0
        }`
        : describe(error);
      this.tell({ type: "unsent", batch, reason });
    }
  }

  #headers(
    { messageId, version, seam, after, afterTime, lastOwn }: PublishAction,
  ): MsgHdrs {
    const head = newHeaders();
    head.set(MESSAGE_ID, messageId);
    if (seam !== undefined) head.set(SEAM, String(seam));
    head.set("Nats-Expected-Stream", this.options.stream);
    if (after !== undefined) {
      head.set("Nats-Expected-Last-Sequence", String(after));
    }
    if (afterTime !== undefined) head.set(AFTER, afterTime);
    if (lastOwn !== undefined) {
      head.set(
        "Nats-Expected-Last-Subject-Sequence",
        String(lastOwn.sequence),
      );
      // From nats-server 2.11 on. Older ones look on the subject of the message,
      // and refuse it: that is confirmed, as every such refusal.
      if (lastOwn.version !== version) {
        head.set(
          "Nats-Expected-Last-Subject-Sequence-Subject",
          this.#subjects[lastOwn.version],
        );
      }
    }
    return head;
  }

  /** An ack does not commit, the entry does; but a refusal may end the batch. */
  #receiveAck(message: Msg): void {
    const reason = refusalOf(message);
    if (reason === undefined) return;
    const batch = Number(message.subject.slice(this.#ackPrefix.length + 1));
    this.tell({ type: "refused", batch, reason });
  }
}

/** How the ack of a stored batch begins; that of a refused one has `error` first. */
const STORED = new TextEncoder().encode('{"stream":');

/** Why the stream refused a batch; undefined if it did not, or if it is no ack. */
function refusalOf(message: Msg): string | undefined {
  // Most acks are of stored batches, and need no reading.
  if (STORED.every((byte, i) => message.data[i] === byte)) return undefined;
  if (headersOf(message)?.code === 503) return "JetStream is not available";
  try {
    const { error } = JSON.parse(decoder.decode(message.data));
    return error === undefined
      ? undefined
      : `JetStream refused: ${error.description}`;
  } catch {
    return undefined;
  }
}
