/**
 * Whether a stream is still the log that this replica applies. It does no I/O.
 *
 * @module
 */
import { compareLog, type EntryIdentity, isSameEntry } from "../compare_log.ts";
import { isPending } from "../fence.ts";
import type { Fence } from "../healable_log.ts";
import type { KnownTimes } from "./entry_times.ts";
import { isIdWritten, toldIdentity } from "./log_identity.ts";
import type { StoredEntry, StreamLook, StreamQuestion } from "./stream_look.ts";
import {
  forked,
  GONE,
  hole,
  lost,
  madeAnew,
  otherEntry,
  type Verdict,
} from "./verdict.ts";

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
  /** When the log took those before it, as far as that is remembered. */
  readonly times: KnownTimes;
  /** Whether a loss or a fence was seen since the stream was the log last. */
  readonly hasLost: boolean;
}

/** @returns What to ask the stream, to judge it. */
export function questionFor({ fed, last }: AppliedLog): StreamQuestion {
  return { identify: last?.sequence, require: fed + 1, fences: true };
}

/**
 * The log's id decides, and where the stream's description has lost it, an
 * entry that was applied. When the stream was created decides nothing by
 * itself: a stream that was put back from a copy has another time.
 *
 * @param look What the stream says; undefined if there is none.
 * @param applied What was applied.
 */
export function judge(
  look: StreamLook | undefined,
  applied: AppliedLog,
): Verdict {
  if (look === undefined) return GONE;
  const { id, fed } = applied;
  const told = toldIdentity(look.config);
  if (told !== undefined && told !== id) {
    // One that has applied nothing takes any log.
    if (fed === 0) return judge(look, { ...applied, id: told });
    // Else this replica came while the description had lost the id.
    if (isIdWritten(id)) {
      return lost(
        "other_log",
        look,
        `the stream is another log: ${told} and not ${id}`,
      );
    }
  }
  const fence = countingFence(look, applied);
  if (fence !== undefined) return judgeFenced(look, applied, fence);
  return look.lastSequence < fed
    ? judgeShort(look, applied)
    : judgeWhole(look, applied);
}

/**
 * The newest fence, if it is pending and not of this replica's own past: in a
 * stream that was put back to an older copy stands one whose healing is long
 * over.
 */
function countingFence(
  { fences }: StreamLook,
  { fed, last }: AppliedLog,
): Fence | undefined {
  const fence = fences?.at(-1);
  if (fence === undefined || !isPending(fence)) return undefined;
  const isPast = fed > fence.sequence && last !== undefined &&
    fence.time <= last.time;
  return isPast ? undefined : fence;
}

/** What stands before the oldest pending fence counts, and no more. */
function judgeFenced(
  look: StreamLook,
  applied: AppliedLog,
  fence: Fence,
): Verdict {
  const { fed } = applied;
  if (fed > fence.sequence) {
    return forked(
      `fence ${fence.at} of the log says that nothing after entry ${fence.sequence} counts, and this replica has applied up to ${fed}`,
    );
  }
  const { beforeFence } = look;
  if (isForeign(beforeFence, applied)) return otherEntry(beforeFence!);
  if (isUnproven(look, applied, beforeFence)) return madeAnew(look);
  const begin = look.fences!.find(isPending)!.at;
  return lost(
    "fenced",
    look,
    `fence ${fence.at} of the log says that it is being made whole up to entry ${fence.sequence}`,
    {
      fence,
      isReadable: fed + 1 < begin && look.firstSequence <= fed + 1 &&
        !look.isRequiredMissing,
    },
  );
}

/** The stream ends before what was applied. */
function judgeShort(look: StreamLook, applied: AppliedLog): Verdict {
  const { fences = [], identified, beforeFence } = look;
  const entry = fences.some(isPending) ? beforeFence : identified;
  if (isForeign(entry, applied)) return otherEntry(entry!);
  const mark = fences.find((one) => !isPending(one));
  if (
    mark !== undefined && isForeign({ ...mark, sequence: mark.at }, applied)
  ) {
    return otherEntry({ sequence: mark.at });
  }
  if (isUnproven(look, applied, entry)) return madeAnew(look);
  return lost(
    "tail",
    look,
    `the stream ends at ${look.lastSequence}, this replica at ${applied.fed}`,
  );
}

/** The stream reaches what was applied. */
function judgeWhole(look: StreamLook, applied: AppliedLog): Verdict {
  const { id, fed, last, hasLost } = applied;
  const { identified, firstSequence, lastSequence } = look;
  const comparison = compareLog(
    { ...look, entry: identified },
    { sequence: fed, last },
  );
  if (comparison.type === "forked") return otherEntry({ sequence: fed });
  if (comparison.type === "too_old") {
    return hole(
      fed + 1,
      `the log begins with entry ${firstSequence} now, and this replica needs entry ${
        fed + 1
      }`,
    );
  }
  if (isUnproven(look, applied, identified)) return madeAnew(look);
  if (beginsUnproven(look, applied)) {
    return hole(
      fed + 1,
      `the log begins with entry ${firstSequence} now, and nothing shows that entry ${fed} that was applied came before it: this replica needs entry ${fed} there`,
    );
  }
  if (look.isRequiredMissing) {
    return hole(
      fed + 1,
      `entry ${fed + 1} was deleted from the log, and this replica needs it`,
    );
  }
  if (
    hasLost && fed > 0 && lastSequence === fed &&
    firstSequence > lastSequence
  ) {
    return lost(
      "unmarked",
      look,
      `the log begins after entry ${fed}, and does not say yet that it is whole`,
    );
  }
  const lostId = toldIdentity(look.config) === undefined && isIdWritten(id);
  return { type: "same", lostId };
}

/** Whether an entry at or below the last one that was fed is not that one. */
function isForeign(
  entry: EntryIdentity | undefined,
  { last, times }: AppliedLog,
): boolean {
  if (entry === undefined || last === undefined) return false;
  if (entry.sequence === last.sequence) return !isSameEntry(entry, last);
  const time = times.at(entry.sequence);
  // One that was written after the last one is not among those before it.
  return time === undefined ? entry.time > last.time : entry.time !== time;
}

/** Whether nothing shows that a stream that does not tell its id is the log. */
function isUnproven(
  look: StreamLook,
  { id, created, last, times }: AppliedLog,
  entry: StoredEntry | undefined,
): boolean {
  const isProven = entry !== undefined && last !== undefined &&
    (entry.sequence === last.sequence ||
      times.at(entry.sequence) !== undefined);
  return toldIdentity(look.config) !== id && !isProven &&
    look.created !== created;
}

/**
 * Whether a log was cut directly after what was applied, so that nothing in it
 * shows whether that is its past. A mark there does: it says the digest, which is
 * compared when it is applied. So does a first entry that says when the log took
 * the one before it. Where nobody has written since, nothing is
 * missing, and what the others say of the same sequence shows it.
 */
function beginsUnproven(
  { firstSequence, lastSequence, fences, required }: StreamLook,
  { fed, last }: AppliedLog,
): boolean {
  const follows = last !== undefined && required?.after === last.time;
  return fences !== undefined && fed > 0 && firstSequence === fed + 1 &&
    lastSequence > fed && !follows &&
    !fences.some(({ at }) => at === firstSequence);
}
