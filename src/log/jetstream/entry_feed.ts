/**
 * Turning what a JetStream consumer delivers into entries, in order and without
 * a gap. It does no I/O.
 *
 * @module
 */
import type { EntryIdentity } from "../compare_log.ts";
import { decodeFence, fenceRole } from "../fence.ts";
import { type Delivery, formatDelivered, parseDelivery } from "./delivery.ts";
import { EntryTimes, type KnownTimes } from "./entry_times.ts";
import { AFTER, type FeedMessage, MESSAGE_ID, SEAM } from "./feed_message.ts";
import { OwnEntries } from "./own_entries.ts";
import type { Proposals } from "./proposals.ts";
import { type EntryContent, ReadQueue, type TakenRead } from "./read_queue.ts";
import {
  changesVersion,
  isFenceSubject,
  isUnknownVersion,
  type OwnSubjects,
} from "./subjects.ts";
import type { StoredEntry } from "./stream_look.ts";

/** What a message means for its receiver. */
export type FeedSignal =
  /** Entries wait to be taken, or nothing is to be done. */
  | "ok"
  /**
   * One or more entries are missing before this message, or it says that another
   * one is before it than was fed.
   */
  | "gap"
  /** The next entry of the log is another one: the consumer's server has others. */
  | "foreign"
  /** What comes from here on is void: the log is being made whole. */
  | "fence"
  /**
   * The next entry says that the log was made whole, and it is later than the
   * last look at the stream, which alone shows whether the log begins with it.
   */
  | "unproven_mark"
  /** The next entry is of a version that this replica does not know. */
  | "unknown_version";

/**
 * What nats-server's file store adds to an entry and counts as its bytes
 * (`fileStoreMsgSize`).
 */
const RECORD_BYTES = 34;

const NO_BYTES = new Uint8Array(0);

/** How the reply subjects of entries begin. */
const ENTRY_REPLY = "$JS.ACK.";

/** The entries that the stream had when it was looked at. */
interface Extent {
  readonly firstSequence: number;
  readonly lastSequence: number;
}

/**
 * What an entry is that holds no changes; without bytes, which no replica can
 * apply, if it is no version's.
 */
function contentOf(
  { sequence }: Delivery,
  { subject, data }: FeedMessage,
  { firstSequence, lastSequence }: Extent,
): EntryContent | "fence" | "unproven_mark" | "unknown_version" {
  if (isUnknownVersion(subject)) return "unknown_version";
  const point = isFenceSubject(subject) ? decodeFence(data) : undefined;
  const role = point && fenceRole(sequence, point);
  if (role === "pending") return "fence";
  // A log that was made whole begins with its mark, also where a consumer gives
  // it that has given what was before: the log may have been emptied since.
  // Elsewhere stands what anyone may have written.
  if (role !== "mark") return NO_BYTES;
  if (sequence === firstSequence) return point!;
  return sequence > lastSequence ? "unproven_mark" : NO_BYTES;
}

/** One session's entries, in order. */
export class EntryFeed {
  /** Those that this replica has written. */
  readonly own: OwnEntries;
  readonly #waiting = new ReadQueue();
  readonly #times = new EntryTimes();
  /** The last entry, if it did not come as a message. */
  #lastKnown: (EntryIdentity & Partial<StoredEntry>) | undefined;
  /** The message of the last entry; undefined before the first. */
  #lastMessage:
    | { readonly message: FeedMessage; readonly delivery: Delivery }
    | undefined;
  /** Invariant: all entries up to here were fed, none beyond. */
  #fed = 0;
  #lastSequence = 0;
  #looked: Extent = { firstSequence: 1, lastSequence: 0 };
  /** What the log's leader says of an entry that is still to come. */
  #expected: EntryIdentity | undefined;

  /**
   * @param session Begins the message ids of this session.
   * @param subjects Where this replica proposes.
   * @param proposals Own batches that are waited for.
   */
  constructor(
    session: string,
    subjects: OwnSubjects,
    proposals: Proposals,
  ) {
    this.own = new OwnEntries(session, subjects, proposals);
  }

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

  /** The sequence of the log's last entry, as the messages tell it. */
  get lastSequence(): number {
    return Math.max(this.#fed, this.#lastSequence);
  }

  /**
   * Sets where the feed goes on: after an entry that is applied, and its time.
   * What was not taken until now is forgotten.
   */
  startAfter(sequence: number, time: string | null): void {
    this.#waiting.clear();
    this.#times.clear();
    this.#fed = sequence;
    this.own.forgetLast();
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

  /**
   * Takes note of a look at the stream before a consumer is started: the first
   * entry that it has, or will have, and the last one.
   */
  noteExtent({ firstSequence, lastSequence }: Extent): void {
    this.#looked = { firstSequence, lastSequence };
    this.noteLastSequence(lastSequence);
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
    if (this.#followsAnother(sequence, message)) return "gap";
    const version = changesVersion(message.subject);
    const content = version === undefined
      ? contentOf(delivery, message, this.#looked)
      : this.own.batchOf(sequence, message, version) ?? message.data;
    if (typeof content === "string") return content;
    this.#waiting.add(
      delivery,
      content,
      message.bytes + RECORD_BYTES,
      version,
      message.header(SEAM) !== "",
    );
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

  /**
   * Whether an entry says that it follows another one than the last that was fed.
   * If the log was emptied in between, which a newer look shows, it has another
   * history. Elsewhere anyone may have written that.
   */
  #followsAnother(sequence: number, message: FeedMessage): boolean {
    const { firstSequence, lastSequence } = this.#looked;
    if (sequence !== firstSequence && sequence <= lastSequence) return false;
    const after = message.header(AFTER);
    if (after === "") return false;
    const { last } = this;
    return last !== undefined && after !== last.time;
  }

  #receiveStatus(message: FeedMessage): FeedSignal {
    // A flow control request, or a heartbeat that repeats a lost one.
    const reply = message.header("Nats-Consumer-Stalled") || message.reply;
    if (reply) this.#waiting.answerLater(reply);
    const lastSent = Number(message.header("Nats-Last-Stream"));
    return lastSent > this.#fed ? "gap" : "ok";
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
