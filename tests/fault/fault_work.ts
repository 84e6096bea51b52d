/**
 * What injecting a fault works on.
 *
 * @module
 */
import type { Clients } from "./clients.ts";
import type { FaultCluster } from "./fault_cluster.ts";
import type { Fault } from "./faults.ts";
import type { SnapshotRequests } from "./snapshot_requests.ts";

/** A cluster, and who is told of the faults. */
export interface FaultWork {
  readonly cluster: FaultCluster;
  /** Those that set and get. */
  readonly clients: Clients;
  /** Asks for the snapshots that faults wait for. */
  readonly requests: SnapshotRequests;
  /** Told, when a fault begins, whether it hit something. */
  note(fault: Fault, hit: boolean): void;
}

/** Injects a fault and heals it. */
export type Inject = (work: FaultWork, fault: Fault) => Promise<void>;
