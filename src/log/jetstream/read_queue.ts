/**
 * Entries that wait to be taken, in reads of a bounded size: whatever the server
 * sends at once, the main thread gets it in pieces between which it does other
 * work, and few of them are on their way. It does no I/O.
 *
 * The server sends up to 32 MiB before it waits for an answer, which is 150,000
 * small entries. They wait as columns of numbers and bytes: as objects they took
 * 500 bytes each, which the garbage collector moved to and fro.
 *
 * @module
 */
import type { EntryVersion } from "../change.ts";
import type { HealPoint } from "../healable_log.ts";
import type { LogEntry, LogRead } from "../log.ts";
import { type Delivery, formatDelivered } from "./delivery.ts";

/** The most entries of one read: some milliseconds of work. */
export const READ_ENTRIES_MAX = 512;

/** The most bytes of payloads in a read of more than one entry. */
export const READ_PAYLOAD_BYTES_MAX = 128 * 1024;

/** A read, and where to answer once it is worked off, that more may come. */
export interface TakenRead {
  readonly read: LogRead;
  readonly flowReply: string | undefined;
}

/** What an entry is: an own batch, a payload, or a mark that the log is whole. */
export type EntryContent = number | Uint8Array | HealPoint;

/** Reads in the order of the log. */
export class ReadQueue {
  #reads: WaitingRead[] = [];

  get isEmpty(): boolean {
    return this.#reads.length === 0;
  }

  /**
   * @param delivery The place of the next entry.
   * @param content What it is; a payload is copied.
   * @param log_bytes How many bytes it has in the log.
   * @param version The version of a payload.
   * @param isSeam Whether it is a seam of the log.
   */
  add(
    delivery: Delivery,
    content: EntryContent,
    log_bytes: number,
    version: EntryVersion = 1,
    isSeam = false,
  ): void {
    const last = this.#reads.at(-1);
    const read = last?.hasRoom(content) ? last : this.#open();
    read.add(delivery, content, log_bytes, version);
    if (isSeam) read.seams.add(delivery.sequence);
  }

  /** An answer is wanted once all that came until now is worked off. */
  answerLater(flowReply: string): void {
    (this.#reads.at(-1) ?? this.#open()).flowReply = flowReply;
  }

  #open(): WaitingRead {
    const read = new WaitingRead();
    this.#reads.push(read);
    return read;
  }

  /** @returns The next read, which has no entry if there is none. */
  take(): TakenRead {
    const read = this.#reads.shift() ?? new WaitingRead();
    return {
      read: { entries: read.takeEntries(), bytes: read.log_bytes },
      flowReply: read.flowReply,
    };
  }

  clear(): void {
    this.#reads = [];
  }
}

/** A read that may not be full yet. */
class WaitingRead {
  log_bytes = 0;
  flowReply: string | undefined;
  /** The sequences of entries that are seams: hardly ever one. */
  readonly seams = new Set<number>();
  #firstSequence = 0;
  readonly #seconds: number[] = [];
  readonly #nanoseconds: number[] = [];
  /** What an entry is; undefined for a payload. */
  readonly #contents: (number | HealPoint | undefined)[] = [];
  readonly #versions: EntryVersion[] = [];
  /** Where each entry's payload ends. */
  readonly #ends: number[] = [];
  #payloads = new Uint8Array(0);

  get #end(): number {
    return this.#ends.at(-1) ?? 0;
  }

  hasRoom(content: EntryContent): boolean {
    const { length } = this.#ends;
    if (length === 0) return true;
    const payload_bytes = content instanceof Uint8Array ? content.length : 0;
    return length < READ_ENTRIES_MAX &&
      this.#end + payload_bytes <= READ_PAYLOAD_BYTES_MAX;
  }

  add(
    { sequence, seconds, nanoseconds }: Delivery,
    content: EntryContent,
    log_bytes: number,
    version: EntryVersion,
  ): void {
    if (this.#ends.length === 0) this.#firstSequence = sequence;
    this.#seconds.push(seconds);
    this.#nanoseconds.push(nanoseconds);
    const isPayload = content instanceof Uint8Array;
    this.#contents.push(isPayload ? undefined : content);
    this.#versions.push(version);
    this.#ends.push(isPayload ? this.#copy(content) : this.#end);
    this.log_bytes += log_bytes;
  }

  /** @returns Where the copy ends. */
  #copy(payload: Uint8Array): number {
    const start = this.#end;
    const end = start + payload.length;
    if (end > this.#payloads.length) {
      // Most reads have one entry: the first payload gets what it needs.
      const length = Math.max(end, 2 * this.#payloads.length);
      this.#payloads = new Uint8Array(
        this.#payloads.buffer.transfer(length),
      );
    }
    this.#payloads.set(payload, start);
    return end;
  }

  /** @returns The entries, whose payloads share one buffer. */
  takeEntries(): LogEntry[] {
    let start = 0;
    return this.#ends.map((end, i) => {
      const sequence = this.#firstSequence + i;
      const time = formatDelivered(this.#seconds[i], this.#nanoseconds[i]);
      const place = this.seams.has(sequence)
        ? { sequence, time, isSeam: true as const }
        : { sequence, time };
      const content = this.#contents[i];
      if (typeof content === "number") return { ...place, batch: content };
      if (content !== undefined) return { ...place, heal: content };
      const payload = this.#payloads.subarray(start, end);
      start = end;
      const version = this.#versions[i];
      return version === 1
        ? { ...place, payload }
        : { ...place, payload, version };
    });
  }
}
