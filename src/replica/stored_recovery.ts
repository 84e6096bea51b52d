/**
 * Going on from a stored state that the log has lost, before the replica
 * proposes: those who had applied as much may be gone.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { LogEnd } from "./fit.ts";
import { ForkedError } from "./fork.ts";
import type { HealingSnapshot, OwnState } from "./healing_facts.ts";
import { lostSnapshot } from "./healing_snapshots.ts";

const logger = getLogger(["usergrade", "healing"]);

/** What a recovery works on. */
export interface RecoveryPorts {
  /** Undefined before the log is open. */
  own(): OwnState | undefined;
  /** This log's snapshots, newest first. */
  list(): Promise<readonly HealingSnapshot[]>;
  restore(snapshot: HealingSnapshot): Promise<void>;
}

/**
 * The log has lost entries for this replica, too, once it has gone on.
 *
 * @param end The log's end.
 * @returns Whether nothing is to be proposed yet.
 */
export async function recoverStored(
  end: Pick<LogEnd, "sequence" | "time">,
  ports: RecoveryPorts,
): Promise<boolean> {
  try {
    const snapshots = await ports.list();
    const own = ports.own();
    if (own === undefined || own.isForked) return false;
    const snapshot = lostSnapshot(own, snapshots, end);
    if (snapshot === undefined) return false;
    await ports.restore(snapshot);
    return true;
  } catch (error) {
    logger.warn("Snapshots beyond the log's end: {reason}", {
      reason: (error as Error).message,
    });
    // A replica must not wait for a store that it can't read.
    return error instanceof ForkedError;
  }
}
