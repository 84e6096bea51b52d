/**
 * The replica and its cluster, as its healer sees them.
 *
 * @module
 */
import type { HealerSituation } from "../replica/healing_sight.ts";
import type { Replica } from "../replica/replica.ts";
import type { Cluster } from "./cluster.ts";

/**
 * @param id The replica's id.
 * @param now The time in milliseconds, by the clock of the cluster.
 */
export function healerSituation(
  id: string,
  replica: Replica,
  cluster: Cluster,
  now: () => number,
): HealerSituation {
  const { log, appliedSequence, digest, heals, seams, isForked, state } =
    replica;
  return {
    own: log && {
      id,
      logId: log.id,
      appliedSequence,
      time: replica.appliedTime,
      digest,
      heals,
      seams,
      isWhole: replica.isWhole && state !== "draining",
      isDiverged: cluster.diverged,
      isForked,
    },
    // A healer that has nothing to do does not ask for them.
    get others() {
      return cluster.others(now());
    },
    get awaited() {
      return cluster.awaited(now());
    },
    isPresenceOn: !cluster.isOff,
  };
}
