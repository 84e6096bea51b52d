/**
 * What the listeners need of the rest of the service, as interfaces. The
 * service hands over the parts; HTTP knows none of their classes.
 *
 * @module
 */
import type {
  CommittedDeletion,
  CommittedDeletions,
  CommittedSet,
  CommittedSets,
} from "../committed.ts";
import type { ReplicaState } from "../replica_states.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";

/** What stays the same while the service runs. */
export interface Identity {
  readonly replicaId: string;
  readonly version: string;
  readonly mode: "standalone" | "replicated";
  /** When the service started, by its clock in milliseconds. */
  readonly started_ms: number;
}

/** Takes sets and deletions. */
export interface SetTarget {
  /** The sequence of the last applied entry. */
  readonly appliedSequence: number;

  /**
   * Proposes a set.
   *
   * @param value A partial user grade, from anyone.
   * @returns The set once it is committed and applied here.
   * @throws {InvalidUserGradeError} If the value is not one; it names each
   * field.
   * @throws {UnavailableError} If it is certainly not stored.
   * @throws {UnconfirmedError} If it may be stored, or can't be applied here.
   */
  set(value: unknown): Promise<CommittedSet>;

  /**
   * Proposes sets that commit together, all or none.
   *
   * @param values An array of partial user grades, from anyone.
   * @returns The sets once they are committed and applied here.
   * @throws {InvalidArrayError} If it is empty or too long.
   * @throws {InvalidElementError} If an element is not valid; it names which.
   * @throws {TooLargeError} If they are more than one entry holds.
   * @throws {Error} As {@linkcode set}.
   */
  setMany(values: readonly unknown[]): Promise<CommittedSets>;

  /**
   * Proposes a deletion, harmless if there is no such user.
   *
   * @param value `{"user_id": "…"}`, from anyone.
   * @returns The deletion once it is committed and applied here.
   * @throws {Error} As {@linkcode set}.
   */
  delete(value: unknown): Promise<CommittedDeletion>;

  /** Proposes deletions that commit together, as {@linkcode setMany} does sets. */
  deleteMany(values: readonly unknown[]): Promise<CommittedDeletions>;
}

/** Has the records. */
export interface RecordSource {
  /** The sequence of the last applied entry. */
  readonly appliedSequence: number;

  /**
   * @returns The user's record as JSON text, or `undefined` if there is none.
   * @throws {UnavailableError} If that can't be known yet.
   */
  getJson(userId: string): string | undefined;

  /**
   * Waits until a sequence is applied.
   *
   * @throws {UnavailableError} If it takes too long.
   */
  waitFor(sequence: number): Promise<void>;
}

/** Has the ids of all users. */
export interface UserIdSource {
  /**
   * Looks for the first user ids, in the order of their UTF-8 bytes, that begin
   * with `prefix` and come after `after`, at most `max`.
   *
   * @returns A generator that yields every few hundred microseconds, so that
   * others have their turn, and returns the ids.
   * @throws {UnavailableError} If that can't be known yet.
   */
  searchIds(
    prefix: string,
    after: string,
    max: number,
  ): Generator<void, string[], void>;
}

/** The last changes of a replica, numbered in their order from its start on. */
export interface RecentChanges {
  /** The number of the oldest change that is kept. */
  readonly start: number;
  /** The number that the next change gets. Invariant: an entry ends before it. */
  readonly end: number;
  /** The lowest sequence after which all changes are kept. */
  readonly floor: number;
  /** The sequence up to which all changes are here. */
  readonly sequence: number;
  /** How often changes came that are not here: those before are forgotten. */
  readonly gaps: number;
  /** Told when there is more, or a gap. */
  onChange: (() => void) | undefined;

  /** @returns The number of the first change of the entries after a sequence. */
  firstAfter(sequence: number): number;
  /** The sequence of a change's entry. */
  sequenceOf(change: number): number;
  /** Whether a change is a deletion. */
  isDeletion(change: number): boolean;
  /** The id of the user whom a change concerns. */
  userIdOf(change: number): string;
  /** What a change left: the record, or the id of a deleted user, as JSON. */
  jsonOf(change: number): string;
}

/** Says whether changes can be watched. */
export interface WatchSource {
  /** Whether gets are answered. */
  readonly readable: boolean;
  /** Whether the log goes on from another state than the replica's. */
  readonly isForked: boolean;
  /** Whether the log can be proposed to. */
  readonly connected: boolean;
  /** The sequence of the last entry known to be in the log. */
  readonly lastSequence: number;

  /**
   * @throws {UnavailableError} If it can't be told now what came after a
   * sequence.
   */
  assertWatchable(): void;
}

/** Has the state that a backup holds. */
export interface BackupSource {
  /**
   * @returns The state as it is now; to be disposed of after use.
   * @throws {UnavailableError} If there is no whole state now.
   */
  snapshot(): Snapshot;
}

/** A snapshot that is kept and was read back whole. */
export interface KeptSnapshot {
  /** The sequence of the last entry that it includes. */
  readonly sequence: number;
  /** When the log took that entry: RFC 3339, UTC; null at sequence 0. */
  readonly time: string | null;
  /** Its size where it is kept. */
  readonly bytes: number;
}

/** The snapshots of one place: of the log itself, or of a folder. */
export interface SnapshotKeeping {
  /** The newest one that was read back whole; null before the first. */
  readonly newest: KeptSnapshot | null;
  /** Why none is made at present; undefined if all is well. */
  readonly problem: string | undefined;
  /** How often making one has failed. */
  readonly failures: number;
  /** How many bytes of log came after the newest. */
  readonly logBytesSince: number;
}

/** How large the log is. */
export interface LogSize {
  /** All entries that it holds, in bytes as its engine counts them. */
  readonly bytes: number;
  /**
   * Whether a limit that was set by hand takes old entries, so that it can take
   * some that no snapshot holds.
   */
  readonly isLimited: boolean;
}

/** Knows the snapshots of all places. */
export interface SnapshotView {
  readonly log: LogSize;
  /** The place that the log is cut behind, and the folder if there is one. */
  readonly places: {
    readonly log: SnapshotKeeping;
    readonly folder: SnapshotKeeping | undefined;
  };
}

/** Knows how the log was made whole. */
export interface HealingView {
  /** How many healings the log has gone through since this replica started. */
  readonly seen: number;
  /** How many applied entries the log does not have now. */
  readonly lost: number;
}

/** Makes snapshots on demand. */
export interface SnapshotMaker {
  /**
   * Makes a snapshot of the state at the time of the call, or of a later one.
   *
   * @returns The snapshot, once it was read back whole.
   * @throws {UnavailableError} If none can be made now; the message has the
   * cause and the remedy.
   */
  make(): Promise<{
    readonly sequence: number;
    readonly rows: number;
    readonly bytes: number;
  }>;
}

/** Says what a replica can do. */
export interface Readiness {
  readonly state: ReplicaState;
  /** Why it is in that state, or why sets can't commit, in a few words. */
  readonly reason: string;
  /** Whether gets are answered. */
  readonly readable: boolean;
  /** Whether it holds the state at one sequence, and not a part of an entry. */
  readonly isWhole: boolean;
  /** Whether sets can commit now. */
  readonly writable: boolean;
  /** How far a restore is; undefined if there is none. */
  readonly restoreProgress:
    | { readonly rows: number; readonly percent: number }
    | undefined;
}

/** Says how far a replica has applied its log, and what it holds. */
export interface ReplicaStatus extends Pick<Readiness, "state"> {
  /** The log; undefined before it is open. */
  readonly log:
    | { readonly id: string; readonly firstSequence: number }
    | undefined;
  /** The sequence of the log's last entry, as far as is known. */
  readonly lastSequence: number;
  /** The sequence of the last applied entry. */
  readonly appliedSequence: number;
  /** Whether the log can be proposed to. */
  readonly connected: boolean;
  readonly users: number;
  /** The digest of the records, 16 hex digits. */
  readonly digest: string;
}

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

/** What a replica did in one step of time. */
export interface HistorySample {
  /** The end of the step. */
  readonly at_s: number;
  readonly gets_per_s: number;
  readonly sets_per_s: number;
  /** The median and the 99th percentile of commits; null if there were none. */
  readonly commit_p50_ms: number | null;
  readonly commit_p99_ms: number | null;
  /** Valid sets and deletions that were not confirmed, by reason. */
  readonly refused_per_s: Readonly<Record<string, number>>;
  /** Answers by whose fault they were, the client's or the server's. */
  readonly errors_per_s: Readonly<Record<"client" | "server", number>>;
  readonly rss_bytes: number;
}

/** Remembers the last minutes. */
export interface HistorySource {
  /** How long a step is. */
  readonly step_ms: number;
  /** How many samples are remembered. */
  readonly samplesMax: number;
  /** The samples, the oldest first. */
  readonly samples: readonly HistorySample[];
}

/** Metrics as a scraper reads them. */
export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}
