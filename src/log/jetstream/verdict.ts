/**
 * What a look at the stream means for a replica that has applied its log. It
 * does no I/O.
 *
 * @module
 */
import type { Fence, LogLoss } from "../healable_log.ts";
import { FORK_REMEDY } from "../log.ts";
import type { StreamLook } from "./stream_look.ts";

/** What a look means. */
export type Verdict =
  /** The stream is the log that is applied; `lostId` if it does not say so. */
  | { readonly type: "same"; readonly lostId: boolean }
  /**
   * The stream lost entries that were applied, or is being made whole, or is
   * another one. `isReadable` if it has entries before its fence that are still
   * to be applied.
   */
  | {
    readonly type: "lost";
    readonly loss: LogLoss;
    readonly isReadable: boolean;
  }
  /** An entry that was applied is another one in the stream, or void. */
  | { readonly type: "forked"; readonly reason: string }
  /** The next entry, `missing`, is not there any more. */
  | {
    readonly type: "hole";
    readonly reason: string;
    readonly missing: number;
  };

/** There is no stream. */
export const GONE: Verdict = {
  type: "lost",
  loss: {
    type: "gone",
    reason: "the stream is gone",
    firstSequence: 1,
    lastSequence: 0,
  },
  isReadable: false,
};

/**
 * What was applied is not in the stream, or not all of it.
 *
 * @param type What happened to the log.
 * @param reason Why it is thought so, in a few words.
 * @param fence The fence up to whose heal point the log is being made whole.
 */
export function lost(
  type: LogLoss["type"],
  { firstSequence, lastSequence }: StreamLook,
  reason: string,
  { fence, isReadable = false }: { fence?: Fence; isReadable?: boolean } = {},
): Verdict {
  return {
    type: "lost",
    loss: {
      type,
      reason,
      firstSequence,
      lastSequence,
      ...(fence !== undefined && { fence }),
    },
    isReadable,
  };
}

/** The stream is not the one that was applied, though it has its name. */
export function madeAnew(look: StreamLook): Verdict {
  return lost("other_log", look, "the stream is another log: it was made anew");
}

/** An entry that was applied is another one in the stream. */
export function otherEntry(
  { sequence }: { readonly sequence: number },
): Verdict {
  return forked(`entry ${sequence} is another one now`);
}

/** The log went on without what was applied. */
export function forked(reason: string): Verdict {
  return { type: "forked", reason: `two histories: ${reason}: ${FORK_REMEDY}` };
}

/**
 * The stream does not have the next entry any more.
 *
 * @param missing Its sequence.
 * @param reason Why it is needed, ending with what would help: the entry itself.
 */
export function hole(missing: number, reason: string): Verdict {
  return {
    type: "hole",
    reason:
      `${reason}, or a snapshot that includes it, from PEERS or a store of snapshots`,
    missing,
  };
}
