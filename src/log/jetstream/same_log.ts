/**
 * Whether a stream is still the log that this replica applied. It does no I/O.
 *
 * @module
 */
import type { StreamConfig } from "./stream_config.ts";

/** An entry as it can be told from another at the same sequence. */
export interface EntryIdentity {
  readonly sequence: number;
  /** When the log took it: RFC 3339 with nanoseconds, UTC. */
  readonly time: string;
  /** Undefined if only its time is known. */
  readonly messageId: string | undefined;
}

/** What a look at the stream asks for besides the stream's own state. */
export interface StreamQuestion {
  /** The sequence of an entry to identify. */
  readonly identify: number | undefined;
  /** The sequence of an entry that must be there, if the stream reaches it. */
  readonly require: number | undefined;
}

/** What a look at the stream found. */
export interface StreamLook {
  /** When the stream was created, as the server says it. */
  readonly created: string;
  readonly config: StreamConfig;
  /** The first entry still there; last + 1 if there is none. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** The entry to identify; undefined if the stream does not have it. */
  readonly identified: EntryIdentity | undefined;
  /** Whether the required entry is missing below the stream's end. */
  readonly isRequiredMissing: boolean;
}

/** What this replica knows of the log that it applies. */
export interface AppliedLog {
  /** When the stream was created, as it was first seen. */
  readonly created: string;
  /** The sequence of the last entry that was fed. */
  readonly fed: number;
  /** That entry; undefined if it is not known. */
  readonly last: EntryIdentity | undefined;
}

/** What a look means. */
export type Verdict =
  /** The stream is the log that was applied. */
  | { readonly type: "same" }
  /** The stream lost entries that were applied, or is another one. */
  | { readonly type: "ahead"; readonly reason: string }
  /** The next entry is not there any more. */
  | { readonly type: "hole"; readonly reason: string };

/** @returns What to ask the stream, to judge it. */
export function questionFor({ fed, last }: AppliedLog): StreamQuestion {
  return { identify: last?.sequence, require: fed + 1 };
}

/**
 * Sequences alone do not show that a stream lost its tail: others may have
 * written past it since. So the last applied entry is compared too.
 *
 * @param look What the stream says; undefined if there is none.
 * @param applied What was applied.
 */
export function judge(
  look: StreamLook | undefined,
  { created, fed, last }: AppliedLog,
): Verdict {
  if (look === undefined) return ahead("the stream is gone");
  if (look.created !== created) return ahead("the stream was made anew");
  if (look.lastSequence < fed) {
    return ahead(
      `the stream ends at ${look.lastSequence}, this replica at ${fed}`,
    );
  }
  const found = look.identified;
  if (found !== undefined && last !== undefined && !isSame(found, last)) {
    return ahead(`entry ${last.sequence} is another one now`);
  }
  if (look.firstSequence > fed + 1) {
    return {
      type: "hole",
      reason:
        `The log begins with entry ${look.firstSequence} now, and this replica needs entry ${
          fed + 1
        }`,
    };
  }
  if (look.isRequiredMissing) {
    return {
      type: "hole",
      reason: `Entry ${
        fed + 1
      } was deleted from the log, and this replica needs it`,
    };
  }
  return { type: "same" };
}

function ahead(reason: string): Verdict {
  return { type: "ahead", reason };
}

function isSame(found: EntryIdentity, known: EntryIdentity): boolean {
  return found.time === known.time &&
    (known.messageId === undefined || found.messageId === known.messageId);
}
