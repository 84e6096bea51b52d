/**
 * A message as the consumer of the stream gives it, and the headers that
 * replicas write for each other.
 *
 * @module
 */

/** A message as the consumer's subscription gives it. */
export interface FeedMessage {
  readonly subject: string;
  readonly reply: string | undefined;
  /** The value of a header; empty if it is not there. */
  header(name: string): string;
  readonly data: Uint8Array;
  /** The bytes of its subject, headers and data. */
  readonly bytes: number;
}

/** The header by which JetStream knows a message again. */
export const MESSAGE_ID = "Nats-Msg-Id";

/**
 * The header of a batch that is one of the first over a server: the number of
 * that time in its session. Versions before 1.3 neither write nor read it.
 */
export const SEAM = "UserGrade-Seam";

/**
 * The header of a batch that the stream takes only after its last entry: when
 * the log took that one, as its writer has applied it. Where entries before it
 * are cut off, it shows what it follows. Versions before 1.6 neither write nor
 * read it.
 */
export const AFTER = "UserGrade-After";
