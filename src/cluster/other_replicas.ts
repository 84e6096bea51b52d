/**
 * The other replicas as those see them that decide about a log's loss.
 *
 * @module
 */
import type { OtherReplica } from "../replica/healing_facts.ts";
import type { Member } from "./members.ts";

/**
 * @param members The other replicas.
 * @param connected_ms For how long they can be heard; undefined if they can't.
 * @returns Those that are heard over the connection that there is now.
 */
export function otherReplicas(
  members: readonly Member[],
  connected_ms: number | undefined,
): OtherReplica[] {
  if (connected_ms === undefined) return [];
  return members
    .filter(({ heardAgo_ms, isGone }) => !isGone && heardAgo_ms <= connected_ms)
    .map(({ heartbeat, heardAgo_ms }) => ({
      id: heartbeat.replica_id,
      session: heartbeat.session,
      version: heartbeat.version,
      state: heartbeat.state,
      logId: heartbeat.log_id,
      appliedSequence: heartbeat.applied_sequence,
      lastSequence: heartbeat.last_sequence,
      digest: heartbeat.digest,
      heals: heartbeat.heals,
      healedTo: heartbeat.healed_to ?? null,
      seams: heartbeat.seams,
      heardAgo_ms,
    }));
}
