/**
 * What a replica answers while it can't do what it is asked for.
 *
 * @module
 */
import { NotStoredError } from "../log/log.ts";
import type { ReplicaView } from "./replica_view.ts";

/** This replica can't answer yet or any more; nothing was stored. */
export class NotReadyError extends NotStoredError {
  override name = "NotReadyError";
}

/** @returns Why changes are refused. */
export function notWritable(
  { restoreProgress, state, reason }: ReplicaView,
): NotReadyError {
  const progress = restoreProgress === undefined
    ? ""
    : ` (${restoreProgress.percent} %)`;
  return new NotReadyError(
    `This replica can't commit changes now (${state}): ${reason}${progress}`,
  );
}

/** @returns Why gets are refused. */
export function notReadable({ state, reason }: ReplicaView): NotReadyError {
  return new NotReadyError(`This replica is not ready (${state}): ${reason}`);
}

/** @returns Why sequences mean nothing to a replica whose log is another one. */
export function otherSequences(
  view: ReplicaView,
  sequence: number,
): NotReadyError {
  return new NotReadyError(
    `${
      otherHistory(view)
    }, so it can't tell what sequence ${sequence} is; ask another replica, or leave out min_sequence`,
  );
}

/** @returns Why nobody can watch a replica whose log is another one. */
export function notWatchable(view: ReplicaView): NotReadyError {
  return new NotReadyError(
    `${
      otherHistory(view)
    }, so it can't tell what comes after a sequence; watch another replica`,
  );
}

function otherHistory({ state }: ReplicaView): string {
  return state === "ready"
    ? "The log looks as if it went on from another state than this replica's, unless the servers of NATS have yet to agree"
    : `This replica has a history that the log has lost (${state})`;
}
