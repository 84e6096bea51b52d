/**
 * What the stream is asked, and what it answers.
 *
 * @module
 */
import type { EntryIdentity } from "../compare_log.ts";
import type { Fence } from "../healable_log.ts";
import type { StreamConfig } from "./stream_config.ts";

/** What a look at the stream asks for besides the stream's own state. */
export interface StreamQuestion {
  /** The sequence of an entry to identify; the last one if the stream ends before. */
  readonly identify: number | undefined;
  /** The sequence of an entry that must be there, if the stream reaches it. */
  readonly require: number | undefined;
  /** Whether the stream's fences are to be looked up. */
  readonly fences: boolean;
}

/** Asks for the stream's own state alone. */
export const NO_ENTRIES: StreamQuestion = {
  identify: undefined,
  require: undefined,
  fences: false,
};

/** Asks for the stream's own state, and whether it is being made whole. */
export const FENCES_ALONE: StreamQuestion = { ...NO_ENTRIES, fences: true };

/** An entry as it is read from the stream by its sequence. */
export interface StoredEntry extends EntryIdentity {
  readonly messageId: string;
  /**
   * When the log took the entry before it, if its writer says so: the stream
   * took it directly after the one that the writer had applied.
   */
  readonly after?: string;
  readonly subject: string;
  readonly data: Uint8Array;
}

/** What a look at the stream found. */
export interface StreamLook {
  /** When the stream was created, as the server says it. */
  readonly created: string;
  readonly config: StreamConfig;
  /** The largest message that the server takes, in bytes. */
  readonly maxPayload_bytes: number;
  /** The version of the server, as in "2.9.10"; left out if it is not known. */
  readonly serverVersion?: string;
  /** The server that leads it; left out where servers do not know of each other. */
  readonly leader?: string;
  /** The first entry still there; last + 1 if there is none. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** The bytes of all its entries, as the server counts them. */
  readonly bytes: number;
  /**
   * The entry to identify, or the last one; undefined if the stream does not
   * have it.
   */
  readonly identified: StoredEntry | undefined;
  /** Whether the required entry is missing below the stream's end. */
  readonly isRequiredMissing: boolean;
  /** The required entry; left out if the stream does not reach it or lacks it. */
  readonly required?: StoredEntry;
  /**
   * The fences that still are in the stream, oldest first. If one is pending,
   * the oldest such one is among them.
   */
  readonly fences?: readonly Fence[];
  /**
   * The entry to identify, or the one before the oldest pending fence, whichever
   * is first; left out if no fence is pending or the stream does not have it.
   */
  readonly beforeFence?: StoredEntry | undefined;
}
