/**
 * One sentence about what keeps sets away: the log is being made whole, two
 * histories, or this replica can't commit.
 *
 * @module
 */

/**
 * @param replicas All replicas of a cluster.
 * @returns The sentence; empty if sets are taken.
 */
export function conditionText(replicas) {
  const of = (state) => replicas.filter((one) => one.state === state);
  const forked = of("forked");
  if (forked.length > 0) {
    const ids = forked.map(({ replica_id }) => replica_id).join(", ");
    return `Forked: ${ids}. The log went on without entries that were applied there. Save a backup from there before you restart it; OPERATIONS.md says how to go on (Two histories).`;
  }
  const [healing] = of("healing").sort((a, b) => b.self - a.self);
  if (healing !== undefined) {
    return `The log is being made whole, and sets are refused meanwhile. Replica ${healing.replica_id} says: ${healing.reason}`;
  }
  const self = replicas.find((one) => one.self);
  return self.state === "ready" && self.connected === false
    ? `This replica takes no sets: ${self.reason}`
    : "";
}
