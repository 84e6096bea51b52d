/**
 * Whether a log goes on from a snapshot. It does no I/O.
 *
 * @module
 */
import { compareLog } from "../log/compare_log.ts";
import type { LogLocation } from "../log/log.ts";
import type { SnapshotInfo } from "../snapshot/snapshot.ts";

/**
 * @param snapshot What the snapshot says of itself.
 * @param logId The log's identity.
 * @param location Where the log stands, looked up with the snapshot's sequence.
 * @returns Why the log does not go on from the snapshot; undefined if it does.
 */
export function misfit(
  { logId: ownLogId, sequence, time, rows }: SnapshotInfo,
  logId: string,
  location: LogLocation,
): string | undefined {
  if (ownLogId !== logId) {
    return `of another log: it is of ${ownLogId}, this log is ${logId}`;
  }
  if (sequence === 0 && rows > 0) {
    return `of no log: it has ${rows} users at sequence 0, before any entry`;
  }
  const { firstSequence, lastSequence } = location;
  const entry = location.time === undefined
    ? undefined
    : { sequence, time: location.time };
  // A snapshot without the time of its last entry counts as one with another
  // entry.
  const last = sequence === 0 ? undefined : { sequence, time: time ?? "" };
  switch (compareLog({ ...location, entry }, { sequence, last }).type) {
    case "same":
      return undefined;
    case "ahead":
      return `ahead of the log: it ends at ${sequence}, the log at ${lastSequence}`;
    case "forked":
      return `of another history: entry ${sequence} of the log is of ${location.time}, in the snapshot it is of ${time}`;
    case "too_old":
      return `too old for the log: it ends at ${sequence}, the log begins at ${firstSequence}`;
  }
}
