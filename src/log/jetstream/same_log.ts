/**
 * Whether a stream is still the log that this replica applies. It does no I/O.
 *
 * @module
 */
import { compareLog, type EntryIdentity } from "../compare_log.ts";
import { type StreamConfig, toldIdentity } from "./stream_config.ts";

/** What a look at the stream asks for besides the stream's own state. */
export interface StreamQuestion {
  /** The sequence of an entry to identify. */
  readonly identify: number | undefined;
  /** The sequence of an entry that must be there, if the stream reaches it. */
  readonly require: number | undefined;
}

/** Asks for the stream's own state alone. */
export const NO_ENTRIES: StreamQuestion = {
  identify: undefined,
  require: undefined,
};

/** An entry as it is read from the stream by its sequence. */
export interface StoredEntry extends EntryIdentity {
  readonly messageId: string;
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
  /** The first entry still there; last + 1 if there is none. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** The bytes of all its entries, as the server counts them. */
  readonly bytes: number;
  /** The entry to identify; undefined if the stream does not have it. */
  readonly identified: StoredEntry | undefined;
  /** Whether the required entry is missing below the stream's end. */
  readonly isRequiredMissing: boolean;
}

/** What this replica knows of the log that it applies. */
export interface AppliedLog {
  /** The log's identity. */
  readonly id: string;
  /** When its stream was created, as it was seen last. */
  readonly created: string;
  /** The sequence of the last entry that was fed. */
  readonly fed: number;
  /** That entry; undefined if it is not known. */
  readonly last: EntryIdentity | undefined;
}

/** What a look means. */
export type Verdict =
  /** The stream is the log that is applied; `lostId` if it does not say so. */
  | { readonly type: "same"; readonly lostId: boolean }
  /** The stream lost entries that were applied, or is another one. */
  | { readonly type: "ahead"; readonly reason: string }
  /** The next entry, `missing`, is not there any more. */
  | {
    readonly type: "hole";
    readonly reason: string;
    readonly missing: number;
  };

/** @returns What to ask the stream, to judge it. */
export function questionFor({ fed, last }: AppliedLog): StreamQuestion {
  return { identify: last?.sequence, require: fed + 1 };
}

/**
 * The log's id decides, and where the stream's description has lost it, the
 * last applied entry. When the stream was created decides nothing by itself: a
 * stream that was put back from a copy has another time.
 *
 * @param look What the stream says; undefined if there is none.
 * @param applied What was applied.
 */
export function judge(
  look: StreamLook | undefined,
  { id, created, fed, last }: AppliedLog,
): Verdict {
  if (look === undefined) return ahead("the stream is gone");
  const told = toldIdentity(look.config);
  // Else this replica came while the description had lost the id.
  const isIdWritten = /^[0-9a-f]{16}$/.test(id);
  if (told !== undefined && told !== id && isIdWritten) {
    return ahead(`the stream is another log now: ${told} and not ${id}`);
  }
  const comparison = compareLog(
    { ...look, entry: look.identified },
    { sequence: fed, last },
  );
  switch (comparison.type) {
    case "ahead":
      return ahead(
        `the stream ends at ${look.lastSequence}, this replica at ${fed}`,
      );
    case "forked":
      return ahead(`entry ${fed} is another one now`);
    case "too_old":
      return hole(
        fed + 1,
        `the log begins with entry ${look.firstSequence} now, and this replica needs entry ${
          fed + 1
        }`,
      );
  }
  if (told !== id && !comparison.isProven && look.created !== created) {
    return ahead("the stream was made anew");
  }
  if (look.isRequiredMissing) {
    return hole(
      fed + 1,
      `entry ${fed + 1} was deleted from the log, and this replica needs it`,
    );
  }
  return { type: "same", lostId: told === undefined && isIdWritten };
}

function ahead(reason: string): Verdict {
  return { type: "ahead", reason };
}

/** What helps: a snapshot that has the entry, or the entry itself. */
function hole(missing: number, reason: string): Verdict {
  return {
    type: "hole",
    reason:
      `${reason}, or a snapshot that includes it, from PEERS or a store of snapshots`,
    missing,
  };
}
