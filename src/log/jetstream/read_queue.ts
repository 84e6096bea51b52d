/**
 * Entries that wait to be taken, in reads of a bounded size: whatever the server
 * sends at once, the main thread gets it in pieces between which it does other
 * work, and few of them are on their way. It does no I/O.
 *
 * @module
 */
import type { LogEntry, LogRead } from "../log.ts";

/** The most entries of one read: some milliseconds of work. */
export const READ_ENTRIES_MAX = 512;

/** The most bytes of payloads in a read of more than one entry. */
export const READ_PAYLOAD_BYTES_MAX = 128 * 1024;

/** An entry whose payload is part of what came over the connection. */
export interface WaitingEntry extends Omit<LogEntry, "payload"> {
  readonly payload?: Uint8Array;
}

/** A read, and where to answer once it is worked off, that more may come. */
export interface TakenRead {
  readonly read: LogRead;
  readonly flowReply: string | undefined;
}

/** A read that may not be full yet. */
interface OpenRead {
  readonly entries: WaitingEntry[];
  payload_bytes: number;
  log_bytes: number;
  flowReply: string | undefined;
}

/** Reads in the order of the log. */
export class ReadQueue {
  #reads: OpenRead[] = [];

  get isEmpty(): boolean {
    return this.#reads.length === 0;
  }

  /**
   * @param entry The next entry.
   * @param log_bytes How many bytes it has in the log.
   */
  add(entry: WaitingEntry, log_bytes: number): void {
    const payload_bytes = entry.payload?.length ?? 0;
    let read = this.#reads.at(-1);
    if (
      read === undefined || read.entries.length === READ_ENTRIES_MAX ||
      read.payload_bytes + payload_bytes > READ_PAYLOAD_BYTES_MAX
    ) read = this.#open();
    read.entries.push(entry);
    read.payload_bytes += payload_bytes;
    read.log_bytes += log_bytes;
  }

  /** An answer is wanted once all that came until now is worked off. */
  answerLater(flowReply: string): void {
    (this.#reads.at(-1) ?? this.#open()).flowReply = flowReply;
  }

  #open(): OpenRead {
    const read: OpenRead = {
      entries: [],
      payload_bytes: 0,
      log_bytes: 0,
      flowReply: undefined,
    };
    this.#reads.push(read);
    return read;
  }

  /** @returns The next read, which has no entry if there is none. */
  take(): TakenRead {
    const read = this.#reads.shift();
    return {
      read: {
        entries: read === undefined ? [] : withOneBuffer(read),
        bytes: read?.log_bytes ?? 0,
      },
      flowReply: read?.flowReply,
    };
  }

  clear(): void {
    this.#reads = [];
  }
}

/**
 * Copies the payloads out of what came over the connection, into one buffer for
 * all: with one each, entries of 100 bytes took 1 KB until they were applied,
 * and half of the time.
 */
function withOneBuffer({ entries, payload_bytes }: OpenRead): LogEntry[] {
  const all = new Uint8Array(payload_bytes);
  let at = 0;
  return entries.map(({ sequence, time, batch, payload }) => {
    if (payload === undefined) return { sequence, time, batch: batch! };
    all.set(payload, at);
    at += payload.length;
    const own = all.subarray(at - payload.length, at);
    return { sequence, time, payload: own };
  });
}
