/**
 * Going on from a stored state that the log has lost, before the replica
 * proposes: those who had applied as much may be gone.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { LogEnd } from "./fit.ts";
import type { HealingSnapshot, OwnState } from "./healing_facts.ts";
import { lostSnapshot } from "./healing_snapshots.ts";
import { HealingTroubles } from "./healing_troubles.ts";
import { SnapshotsForbiddenError } from "../snapshot/store.ts";

const logger = getLogger(["usergrade", "healing"]);

/** What a recovery works on. */
export interface RecoveryPorts {
  /** Undefined before the log is open. */
  own(): OwnState | undefined;
  /** This log's snapshots, newest first. */
  list(): Promise<readonly HealingSnapshot[]>;
  restore(snapshot: HealingSnapshot): Promise<void>;
  /** The time in milliseconds. */
  now(): number;
}

/** Goes on from such a state, as often as it is asked to. */
export class StoredRecovery {
  readonly #troubles = new HealingTroubles();

  constructor(private readonly ports: RecoveryPorts) {}

  /**
   * The log has lost entries for this replica, too, once it has gone on.
   *
   * @param end The log's end.
   * @returns Whether nothing is to be proposed yet: neither where there is such a
   * state and it can't be had, since the log has lost entries then.
   */
  async run(end: Pick<LogEnd, "sequence" | "time">): Promise<boolean> {
    const { ports } = this;
    if (this.#troubles.isWaiting(ports.now())) return true;
    const snapshots = await this.#list();
    const own = ports.own();
    if (own === undefined || own.isForked) return false;
    const snapshot = lostSnapshot(own, snapshots, end);
    if (snapshot === undefined) return false;
    try {
      await ports.restore(snapshot);
      this.#troubles.over();
    } catch (error) {
      this.#troubles.failed("restore", error as Error, ports.now());
      // A replica works without snapshots that it may not read.
      return !(error instanceof SnapshotsForbiddenError);
    }
    return true;
  }

  /** A replica must not wait for a store that says nothing: there may be no loss. */
  async #list(): Promise<readonly HealingSnapshot[]> {
    try {
      return await this.ports.list();
    } catch (error) {
      logger.warn("Snapshots beyond the log's end: {reason}", {
        reason: (error as Error).message,
      });
      return [];
    }
  }
}
