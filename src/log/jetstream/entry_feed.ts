/**
 * Turning what a JetStream consumer delivers into entries: in order, without a
 * gap, own ones recognised. It does no I/O.
 *
 * @module
 */
import type { EntryVersion } from "../change.ts";
import type { EntryIdentity } from "../compare_log.ts";
import { decodeFence, fenceRole } from "../fence.ts";
import { type Delivery, formatDelivered, parseDelivery } from "./delivery.ts";
import { EntryTimes, type KnownTimes } from "./entry_times.ts";
import type { Proposals } from "./proposals.ts";
import { type EntryContent, ReadQueue, type TakenRead } from "./read_queue.ts";
import {
  changesVersion,
  isFenceSubject,
  isUnknownVersion,
  type OwnSubjects,
} from "./stream_config.ts";
import type { StoredEntry } from "./stream_look.ts";

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

/** What a message means for its receiver. */
export type FeedSignal =
  /** Entries wait to be taken, or nothing is to be done. */
  | "ok"
  /** One or more entries are missing before this message. */
  | "gap"
  /** The next entry of the log is another one: the consumer's server has others. */
  | "foreign"
  /** What comes from here on is void: the log is being made whole. */
  | "fence"
  /** The next entry is of a version that this replica does not know. */
  | "unknown_version";

/** The header by which JetStream knows a message again. */
export const MESSAGE_ID = "Nats-Msg-Id";

/**
 * The header of a batch that is one of the first over a server: the number of
 * that time in its session. Versions before 1.3 neither write nor read it.
 */
export const SEAM = "UserGrade-Seam";

/**
 * What nats-server's file store adds to an entry and counts as its bytes
 * (`fileStoreMsgSize`).
 */
const RECORD_BYTES = 34;

const NO_BYTES = new Uint8Array(0);

/** How the reply subjects of entries begin. */
const ENTRY_REPLY = "$JS.ACK.";

/** The last entry on the subjects on which a replica proposes. */
export interface OwnEntry {
  readonly sequence: number;
  readonly version: EntryVersion;
}

/**
 * What an entry is that holds no changes; without bytes, which no replica can
 * apply, if it is no version's.
 */
function contentOf(
  { sequence }: Delivery,
  { subject, data }: FeedMessage,
  firstSequence: number,
): EntryContent | "fence" | "unknown_version" {
  if (isUnknownVersion(subject)) return "unknown_version";
  const point = isFenceSubject(subject) ? decodeFence(data) : undefined;
  const role = point && fenceRole(sequence, point);
  if (role === "pending") return "fence";
  // A log that was made whole begins with its mark. Elsewhere stands what anyone
  // may have written.
  return role === "mark" && sequence === firstSequence ? point! : NO_BYTES;
}

/** One session's entries, in order. */
export class EntryFeed {
  readonly #waiting = new ReadQueue();
  readonly #times = new EntryTimes();
  /** The last entry, if it did not come as a message. */
  #lastKnown: (EntryIdentity & Partial<StoredEntry>) | undefined;
  /** The message of the last entry; undefined before the first. */
  #lastMessage:
    | { readonly message: FeedMessage; readonly delivery: Delivery }
    | undefined;
  #ownFed = 0;
  #ownSeam = "";
  /**
   * The last entry on one of this replica's subjects, whoever wrote it: its
   * sequence, 0 if it is not known, and its version.
   */
  #subjectFed = 0;
  #subjectVersion: EntryVersion = 1;
  /** The first entry that the stream has, as it was seen last. */
  #begin = 1;
  /** Invariant: all entries up to here were fed, none beyond. */
  #fed = 0;
  #lastSequence = 0;
  #firstSequence = 1;
  /** What the log's leader says of an entry that is still to come. */
  #expected: EntryIdentity | undefined;

  /**
   * @param session Begins the message ids of this session.
   * @param subjects Where this replica proposes.
   * @param proposals Own batches that are waited for.
   */
  constructor(
    private readonly session: string,
    private readonly subjects: OwnSubjects,
    private readonly proposals: Proposals,
  ) {}

  /** The sequence of the last entry that was fed. */
  get fed(): number {
    return this.#fed;
  }

  /** The last entry that was fed; undefined before the first of this session. */
  get last(): (EntryIdentity & Partial<StoredEntry>) | undefined {
    if (this.#lastMessage === undefined) return this.#lastKnown;
    const { message, delivery } = this.#lastMessage;
    return {
      sequence: delivery.sequence,
      time: formatDelivered(delivery.seconds, delivery.nanoseconds),
      messageId: message.header(MESSAGE_ID),
      subject: message.subject,
      data: message.data,
    };
  }

  /** When the log took the entries that were fed, as far as is remembered. */
  get times(): KnownTimes {
    return this.#times;
  }

  /** The sequence of the last entry of this session; 0 before the first. */
  get ownFed(): number {
    return this.#ownFed;
  }

  /** The sequence of the log's last entry, as the messages tell it. */
  get lastSequence(): number {
    return Math.max(this.#fed, this.#lastSequence);
  }

  /** What the last own batch that came back says of its seam; empty for none. */
  get ownSeam(): string {
    return this.#ownSeam;
  }

  /** The message id of an own batch, or of another own message. */
  messageId(name: number | string): string {
    return `${this.session}:${name}`;
  }

  /**
   * Sets where the feed goes on: after an entry that is applied, and its time.
   * What was not taken until now is forgotten.
   */
  startAfter(sequence: number, time: string | null): void {
    this.#waiting.clear();
    this.#times.clear();
    this.#fed = sequence;
    this.#subjectFed = 0;
    this.#expected = undefined;
    this.#know(time === null ? undefined : { sequence, time });
  }

  /** Takes what the stream says of the last entry, if it is still the last. */
  noteLast(entry: StoredEntry): void {
    if (entry.sequence === this.#fed) this.#know(entry);
  }

  /**
   * Takes what the log's leader says of the next entry; undefined if the log has
   * none yet. The server of a consumer may have other entries: one of several
   * that were put back to older copies stays apart for a while.
   */
  expect(entry: EntryIdentity | undefined): void {
    this.#expected = entry;
  }

  #know(last: (EntryIdentity & Partial<StoredEntry>) | undefined): void {
    this.#lastKnown = last;
    this.#lastMessage = undefined;
  }

  /** Takes note of what the stream says of itself. */
  noteLastSequence(sequence: number): void {
    this.#lastSequence = sequence;
  }

  /** Takes note of the first entry that the stream has, or will have. */
  noteFirstSequence(sequence: number): void {
    this.#firstSequence = sequence;
  }

  /** Takes note of the first entry that the stream has now: it may be cut. */
  noteCut(sequence: number): void {
    this.#begin = sequence;
  }

  /**
   * The last entry on this replica's subjects; undefined if it is not known, or
   * if the stream has let go of it. Nobody else writes there, so a stream that
   * has another one has lost entries.
   */
  get lastOwn(): OwnEntry | undefined {
    return this.#subjectFed >= this.#begin
      ? { sequence: this.#subjectFed, version: this.#subjectVersion }
      : undefined;
  }

  /** The last entry on this replica's subjects is another one than it was. */
  forgetOwn(): void {
    this.#subjectFed = 0;
  }

  /** Takes the next message of the consumer. */
  receive(message: FeedMessage): FeedSignal {
    // Only the reply shows an entry: anyone's message may have a status too.
    if (!message.reply?.startsWith(ENTRY_REPLY)) {
      return this.#receiveStatus(message);
    }
    const delivery = parseDelivery(message.reply);
    if (delivery === undefined) return "ok";
    const { sequence, pending } = delivery;
    if (sequence <= this.#fed) return "ok"; // A consumer from before.
    if (sequence !== this.#fed + 1) return "gap";
    if (this.#isForeign(delivery)) return "foreign";
    const version = changesVersion(message.subject);
    const content = version === undefined
      ? contentOf(delivery, message, this.#firstSequence)
      : this.#ownBatch(sequence, message, version) ?? message.data;
    if (typeof content === "string") return content;
    const seam = message.header(SEAM);
    this.#waiting.add(
      delivery,
      content,
      message.bytes + RECORD_BYTES,
      version,
      seam !== "",
    );
    if (typeof content === "number") this.#ownSeam = seam;
    this.#times.add(sequence, delivery.seconds, delivery.nanoseconds);
    this.#fed = sequence;
    this.#lastSequence = sequence + pending;
    this.#lastMessage = { message, delivery };
    return "ok";
  }

  #isForeign({ sequence, seconds, nanoseconds }: Delivery): boolean {
    return this.#expected?.sequence === sequence &&
      this.#expected.time !== formatDelivered(seconds, nanoseconds);
  }

  #receiveStatus(message: FeedMessage): FeedSignal {
    // A flow control request, or a heartbeat that repeats a lost one.
    const reply = message.header("Nats-Consumer-Stalled") || message.reply;
    if (reply) this.#waiting.answerLater(reply);
    const lastSent = Number(message.header("Nats-Last-Stream"));
    return lastSent > this.#fed ? "gap" : "ok";
  }

  #ownBatch(
    sequence: number,
    { subject, header }: FeedMessage,
    version: EntryVersion,
  ): number | undefined {
    // The ids are there for anyone to read; publishing to this replica's
    // subjects is for this replica.
    if (subject !== this.subjects[version]) return undefined;
    this.#subjectFed = sequence;
    this.#subjectVersion = version;
    const messageId = header(MESSAGE_ID);
    if (!messageId.startsWith(`${this.session}:`)) return undefined;
    this.#ownFed = sequence;
    const batch = Number(messageId.slice(this.session.length + 1));
    return this.proposals.commit(batch) ? batch : undefined;
  }

  /** Whether there is nothing to take. */
  get isEmpty(): boolean {
    return this.#waiting.isEmpty;
  }

  /**
   * @returns The next entries, and where to answer when they are worked off, so
   * that the server sends more.
   */
  take(): TakenRead {
    return this.#waiting.take();
  }
}
