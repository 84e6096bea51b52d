/**
 * The states of a replica.
 *
 * @module
 */

/** The states that `/status` and `/readyz` name. */
export const REPLICA_STATES = [
  "starting",
  "restoring",
  "catching_up",
  "ready",
  "ahead_of_log",
  "healing",
  "forked",
  "upgrade_required",
  "draining",
] as const;

/** One of {@linkcode REPLICA_STATES}. */
export type ReplicaState = (typeof REPLICA_STATES)[number];
