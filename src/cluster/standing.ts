/**
 * How a replica stands among those that are heard. It does no I/O.
 *
 * @module
 */
import type { SeenReplica } from "./seen_replicas.ts";

/** The states of a replica that has not applied all of its log yet. */
const BEHIND = ["restoring", "catching_up"];

/** A replica among the others. */
export interface Standing {
  /** How many ready replicas have a smaller id. */
  readonly rank: number;
  /**
   * The lowest sequence that another one which is catching up has applied;
   * undefined if none is catching up.
   */
  readonly slowestSequence: number | undefined;
}

/**
 * @param replicas All replicas, this one included.
 * @param logId The log: replicas of other logs don't count.
 */
export function standing(
  replicas: readonly Pick<SeenReplica, "heartbeat" | "isSelf">[],
  logId: string | undefined,
): Standing {
  const self = replicas.find(({ isSelf }) => isSelf)?.heartbeat.replica_id;
  let rank = 0;
  let slowestSequence: number | undefined;
  for (const { heartbeat, isSelf } of replicas) {
    if (isSelf || heartbeat.log_id !== logId) continue;
    const { replica_id, state, applied_sequence } = heartbeat;
    if (state === "ready" && self !== undefined && replica_id < self) rank++;
    if (BEHIND.includes(state)) {
      slowestSequence = Math.min(slowestSequence ?? Infinity, applied_sequence);
    }
  }
  return { rank, slowestSequence };
}
