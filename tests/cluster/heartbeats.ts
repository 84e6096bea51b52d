/**
 * Heartbeats for tests.
 *
 * @module
 */
import type { Heartbeat } from "../../src/cluster/heartbeat.ts";
import type { OtherReplica } from "../../src/replica/healing_facts.ts";
import { Seams } from "../../src/replica/seams.ts";

/** Another log than that of these heartbeats. */
export const OTHER_LOG = "0123456789abcdef";

/** The digest of a state named by a letter. */
export function digestOf(letter: string): string {
  return letter.repeat(16);
}

/** A replica's heartbeat at sequence 10, with other fields as given. */
export function heartbeat(
  replica_id: string,
  others: Partial<Heartbeat> = {},
): Heartbeat {
  return {
    replica_id,
    session: "0".repeat(32),
    version: "1.0.0",
    state: "ready",
    reason: "all entries of the log are applied",
    log_id: "8f14e45fceea167a",
    applied_sequence: 10,
    last_sequence: 10,
    users: 1,
    digest: digestOf("a"),
    restore: null,
    checkpoints: [],
    ...others,
  };
}

/** A ready replica as its own cluster sees it, which {@linkcode heartbeat} tells of. */
export function localReplica() {
  const { reason, log_id, applied_sequence, last_sequence, users, digest } =
    heartbeat("a");
  return {
    state: "ready",
    reason,
    connected: true,
    writable: true,
    isAheadOfLog: false,
    isLogInDoubt: false,
    healCount: undefined as number | undefined,
    healedTo: null as number | null,
    log: { id: log_id! },
    appliedSequence: applied_sequence!,
    lastSequence: last_sequence!,
    users,
    digest,
    restoreProgress: undefined,
    seams: Seams.NONE,
    checkpoints: () => [],
    digestAt: () => undefined,
  };
}

/** What {@linkcode heartbeat} says, as healing sees it. */
export function otherReplica(
  id: string,
  others: Partial<OtherReplica> = {},
): OtherReplica {
  const said = heartbeat(id);
  return {
    id,
    session: said.session,
    version: said.version,
    state: said.state,
    logId: said.log_id,
    appliedSequence: said.applied_sequence,
    lastSequence: said.last_sequence,
    digest: said.digest,
    heals: 0,
    healedTo: null,
    seams: undefined,
    heardAgo_ms: 0,
    ...others,
  };
}
