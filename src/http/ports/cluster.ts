/**
 * What `/cluster` needs of the service.
 *
 * @module
 */

/** A replica of the cluster, as one of them sees it. */
export interface SeenReplica {
  /** Its last heartbeat. */
  readonly heartbeat: {
    readonly replica_id: string;
    readonly version: string;
    readonly state: string;
    readonly reason: string;
    readonly log_id: string | null;
    readonly applied_sequence: number;
    readonly last_sequence: number;
    readonly users: number;
    readonly digest: string;
    readonly restore:
      | { readonly rows: number; readonly percent: number }
      | null;
  };
  /** Whether it is the replica that answers. */
  readonly isSelf: boolean;
  /** Whether it can propose to the log; null for other replicas. */
  readonly connected: boolean | null;
  /** Whether it equals the others; null if that is not known yet. */
  readonly equal: boolean | null;
  /** The sequence at which it was last compared; null if it never was. */
  readonly comparedAt: number | null;
  /** How long ago it was heard. */
  readonly heardAgo_ms: number;
}

/** The cluster, as one replica sees it. */
export interface ClusterView {
  /** Whether heartbeats are exchanged. */
  readonly presence: "on" | "off" | "standalone";
  /** Whether this replica has a difference that is not settled. */
  readonly diverged: boolean;
  /** The replica that differs from all others, which are equal; null if none. */
  readonly standsAlone: string | null;
  /** Who follows another log under the names of this one. */
  readonly otherLogs: readonly {
    /** As in "replica b". */
    readonly follower: string;
    readonly logId: string;
  }[];
  /** All replicas in the order of their ids. */
  readonly replicas: readonly SeenReplica[];
}

/** Knows the cluster. */
export interface ClusterSource {
  /** Whether this replica has a difference that is not settled. */
  readonly diverged: boolean;

  /** @returns The cluster as it is seen at a time. */
  view(now_ms: number): ClusterView;
}
