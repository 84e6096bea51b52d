/**
 * Whether a log goes on from a snapshot. It does no I/O.
 *
 * @module
 */
import { compareLog } from "../log/compare_log.ts";
import type { Fence } from "../log/healable_log.ts";
import type { LogLocation } from "../log/log.ts";
import type { SnapshotInfo } from "../snapshot/snapshot.ts";

/** The end of a log that is to be made whole from a snapshot beyond it. */
export interface LogEnd {
  /** The sequence of its last entry. */
  readonly sequence: number;
  /** When the log took its last entry; undefined if it has none. */
  readonly time: string | undefined;
  /** Up to which heal point others have begun to make it whole. */
  readonly fence: Fence | undefined;
}

/**
 * The fence that counts for a snapshot. In a stream that was put back to an older
 * copy stands one that is older than the snapshot: its healing is long over.
 */
function fenceFor(
  { sequence, time }: Pick<SnapshotInfo, "sequence" | "time">,
  end: LogEnd | undefined,
): Fence | undefined {
  const fence = end?.fence;
  const isPast = fence !== undefined && sequence > fence.sequence &&
    time !== null && fence.time <= time;
  return isPast ? undefined : fence;
}

/** Whether a snapshot has what a log has lost, if it is of that log. */
export function isBeyond(
  { sequence }: SnapshotInfo,
  end: LogEnd | undefined,
): boolean {
  if (end === undefined) return false;
  return end.fence === undefined
    ? sequence > end.sequence
    : sequence >= end.fence.at;
}

/**
 * Whether others have written past a lost tail since a snapshot beyond the log's
 * end was made: the log's last entry is later than the snapshot's. Nothing goes
 * on from such a snapshot any more.
 */
export function isAbandoned(
  { sequence, time }: Pick<SnapshotInfo, "sequence" | "time">,
  end: Pick<LogEnd, "sequence" | "time">,
): boolean {
  return sequence > end.sequence && end.time !== undefined &&
    (time === null || time < end.time);
}

/**
 * Whether a log that goes on from a snapshot has an entry that shows it: an empty
 * one that begins directly after it has none, and may have come there another
 * way.
 */
export function isShown(
  { sequence }: Pick<SnapshotInfo, "sequence">,
  { time, begin }: LogLocation,
): boolean {
  return sequence === 0 || time !== undefined || begin !== undefined;
}

/**
 * Whether a log's first entry says that it follows a state.
 *
 * @param time When the log took the state's last entry.
 */
export function followsEntry(
  { after }: NonNullable<LogLocation["begin"]>,
  time: string | null,
): boolean {
  return after !== undefined && after === time;
}

/**
 * A log that begins directly after a snapshot has no entry of it, and may have
 * come there another way.
 *
 * @param begin What the log says of the state that it goes on from.
 */
function misfitBefore(
  { sequence, digest, time }: Pick<
    SnapshotInfo,
    "sequence" | "digest" | "time"
  >,
  begin: NonNullable<LogLocation["begin"]>,
): string | undefined {
  if (followsEntry(begin, time)) return undefined;
  const { mark } = begin;
  const what = `the log begins with entry ${sequence + 1}`;
  if (mark === undefined) {
    return `too old for the log: it ends at ${sequence}, and ${what}, which does not show that it goes on from there`;
  }
  return digest === undefined || digest === mark.digest
    ? undefined
    : `of another history: ${what}, which says that it goes on from the digest ${mark.digest}, and the snapshot has ${digest}`;
}

/**
 * @param snapshot What the snapshot says of itself.
 * @param logId The log's identity.
 * @param location Where the log stands, looked up with the snapshot's sequence.
 * @param end The log's end, where a snapshot of what the log has lost will do
 * too.
 * @returns Why the log does not go on from the snapshot; undefined if it does.
 */
export function misfit(
  { logId: ownLogId, sequence, time, rows, digest }: SnapshotInfo,
  logId: string,
  location: LogLocation,
  end?: LogEnd,
): string | undefined {
  if (ownLogId !== logId) {
    return `of another log: it is of ${ownLogId}, this log is ${logId}`;
  }
  if (sequence === 0 && rows > 0) {
    return `of no log: it has ${rows} users at sequence 0, before any entry`;
  }
  const { firstSequence, lastSequence, begin } = location;
  const fence = fenceFor({ sequence, time }, end);
  if (fence !== undefined && sequence >= fence.at) {
    // Whatever else there is behind the fence is void.
    return sequence === fence.sequence && digest === fence.digest
      ? undefined
      : `not what the log is made whole from: that is the state at entry ${fence.sequence} with the digest ${fence.digest}`;
  }
  const entry = location.time === undefined
    ? undefined
    : { sequence, time: location.time };
  // A snapshot without the time of its last entry counts as one with another
  // entry.
  const last = sequence === 0 ? undefined : { sequence, time: time ?? "" };
  switch (compareLog({ ...location, entry }, { sequence, last }).type) {
    case "same":
      return begin && misfitBefore({ sequence, digest, time }, begin);
    case "ahead":
      if (end === undefined) {
        return `ahead of the log: it ends at ${sequence}, the log at ${lastSequence}`;
      }
      return isAbandoned({ sequence, time }, end)
        ? `of another history: the last entry of the log, ${lastSequence}, is of ${end.time}, later than entry ${sequence} in the snapshot, of ${time}`
        : undefined;
    case "forked":
      return `of another history: entry ${sequence} of the log is of ${location.time}, in the snapshot it is of ${time}`;
    case "too_old":
      return `too old for the log: it ends at ${sequence}, the log begins at ${firstSequence}`;
  }
}
