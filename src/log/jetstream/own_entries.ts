/**
 * The entries that this replica has written, among those of its log. It does no
 * I/O.
 *
 * @module
 */
import type { EntryVersion } from "../change.ts";
import { type FeedMessage, MESSAGE_ID, SEAM } from "./feed_message.ts";
import type { Proposals } from "./proposals.ts";
import type { OwnSubjects } from "./subjects.ts";

/**
 * How long ago a replica's last entry may be for it to show that the log is
 * whole. Where others have written since, it shows nothing of their entries: a
 * stream that was deleted and restored from an older backup may still have it,
 * and is written to for up to two seconds before that is seen.
 */
export const OWN_RECENT_MS = 5_000;

/** The last entry on the subjects on which a replica proposes. */
export interface OwnEntry {
  readonly sequence: number;
  readonly version: EntryVersion;
}

/** Those of one session, and the last one of all sessions. */
export class OwnEntries {
  #sessionLast = 0;
  #seam = "";
  /** The sequence of the last one on these subjects; 0 if it is not known. */
  #last = 0;
  #lastVersion: EntryVersion = 1;
  /** The same sequence as it was at the last tick, and since when. */
  #seen = 0;
  #seenSince_ms = 0;
  /** The first entry that the stream has, as it was seen last. */
  #begin = 1;

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

  /** The sequence of the last entry of this session; 0 before the first. */
  get sessionLast(): number {
    return this.#sessionLast;
  }

  /** What the last own batch that came back says of its seam; empty for none. */
  get seam(): string {
    return this.#seam;
  }

  /** The message id of an own batch, or of another own message. */
  messageId(name: number | string): string {
    return `${this.session}:${name}`;
  }

  /**
   * The last entry on this replica's subjects, whoever wrote it; undefined if it
   * is not known, or if the stream has let go of it. Nobody else writes there,
   * so a stream that has another one has lost entries.
   */
  get last(): OwnEntry | undefined {
    return this.#last >= this.#begin
      ? { sequence: this.#last, version: this.#lastVersion }
      : undefined;
  }

  /** The last entry on this replica's subjects is not known any more. */
  forgetLast(): void {
    this.#last = 0;
  }

  /**
   * Forgets the last one if others have written since, and it is not recent.
   *
   * @param fed The sequence of the log's last entry that was fed.
   */
  tick(fed: number, now_ms: number): void {
    if (this.#last !== this.#seen) {
      this.#seen = this.#last;
      this.#seenSince_ms = now_ms;
    } else if (
      this.#last < fed && now_ms - this.#seenSince_ms >= OWN_RECENT_MS
    ) this.forgetLast();
  }

  /** Takes note of the first entry that the stream has now: it may be cut. */
  noteCut(sequence: number): void {
    this.#begin = sequence;
  }

  /**
   * Takes the next entry of the log.
   *
   * @returns The batch that it is, which is committed now; undefined if it is
   * none that this replica waits for.
   */
  batchOf(
    sequence: number,
    { subject, header }: FeedMessage,
    version: EntryVersion,
  ): number | undefined {
    // The ids are there for anyone to read; publishing to this replica's
    // subjects is for this replica.
    if (subject !== this.subjects[version]) return undefined;
    this.#last = sequence;
    this.#lastVersion = version;
    const messageId = header(MESSAGE_ID);
    if (!messageId.startsWith(`${this.session}:`)) return undefined;
    this.#sessionLast = sequence;
    const batch = Number(messageId.slice(this.session.length + 1));
    if (!this.proposals.commit(batch)) return undefined;
    this.#seam = header(SEAM);
    return batch;
  }
}
