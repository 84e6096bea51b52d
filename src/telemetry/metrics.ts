/**
 * What `/metrics` says.
 *
 * @module
 */
import type { Cluster } from "../cluster/cluster.ts";
import type { Identity } from "../http/ports/identity.ts";
import type { SnapshotView } from "../http/ports/snapshots.ts";
import type { HealingView } from "../http/ports/status.ts";
import { ENDS } from "../http/get/watch_end.ts";
import type { Watchers } from "../http/get/watchers.ts";
import type { ReplicaView } from "../replica/replica_view.ts";
import { REPLICA_STATES } from "../replica_states.ts";
import { REJECTIONS } from "../replica/set_counts.ts";
import { addHealing } from "./healing_metrics.ts";
import { addHttp, type HttpSources } from "./http_metrics.ts";
import type { MetricRegistry, Sample } from "./metric_registry.ts";
import { addProcess, type ProcessSources } from "./process_metrics.ts";
import { addSnapshots } from "./snapshot_metrics.ts";

/** Where the numbers are kept. */
export interface MetricSources extends HttpSources, ProcessSources {
  readonly identity: Identity;
  readonly replica: ReplicaView;
  readonly watchers: Pick<Watchers, "size" | "counts">;
  readonly cluster: Cluster;
  readonly snapshots: SnapshotView;
  readonly healing: HealingView;
  /** The size of the log's files on the disk; undefined where it has none here. */
  readonly logFilesBytes: (() => number) | undefined;
}

/** @returns Metrics that read all numbers at each scrape. */
export async function createMetrics(
  sources: MetricSources,
): Promise<MetricRegistry> {
  const { MetricRegistry } = await import("./metric_registry.ts");
  const registry = new MetricRegistry();
  addHttp(registry, sources);
  addWatchers(registry, sources.watchers);
  addSets(registry, sources.replica);
  addLog(registry, sources);
  addSnapshots(registry, sources.snapshots, Date.now);
  addHealing(registry, sources.healing, sources.replica);
  addState(registry, sources);
  addCluster(registry, sources.cluster);
  addProcess(registry, sources);
  return registry;
}

function addWatchers(
  registry: MetricRegistry,
  watchers: MetricSources["watchers"],
): void {
  registry.gauge(
    "usergrade_watchers",
    "Clients that watch changes now.",
    () => watchers.size,
  );
  registry.counter(
    "usergrade_watch_events_total",
    "Changes sent to watchers, counted for each watcher.",
    () => watchers.counts.events,
  );
  registry.counters(
    "usergrade_watches_ended_total",
    "Watches that ended, by reason; client: the client left.",
    ["reason"],
    () => ENDS.map((reason) => [{ reason }, watchers.counts.ends[reason]]),
  );
}

function addSets(registry: MetricRegistry, replica: ReplicaView): void {
  const { counts: setCounts } = replica.sets;
  registry.counter(
    "usergrade_sets_total",
    "Sets committed and applied for this replica's clients, including imported rows.",
    () => setCounts.committed,
  );
  registry.counter(
    "usergrade_deletions_total",
    "Deletions committed and applied for this replica's clients, including those of imports.",
    () => setCounts.deleted,
  );
  registry.counters(
    "usergrade_rejected_sets_total",
    "Valid sets and deletions that were refused, by reason.",
    ["reason"],
    () => REJECTIONS.map((reason) => [{ reason }, setCounts.rejected[reason]]),
  );
  registry.histogram(
    "usergrade_set_duration_seconds",
    "Seconds from a valid set or deletion, or an array of them, to its commit and application here.",
    setCounts.setSeconds,
  );
  registry.histogram(
    "usergrade_commit_duration_seconds",
    "Seconds from proposing a batch of changes to applying it.",
    setCounts.commitSeconds,
  );
  registry.histogram(
    "usergrade_commit_batch_sets",
    "Sets and deletions in each committed batch.",
    setCounts.batchSets,
  );
  registry.gauge(
    "usergrade_queue_sets",
    "Sets and deletions that wait for the next batch.",
    () => replica.sets.queued,
  );
  registry.gauge(
    "usergrade_commit_gap_seconds",
    "Seconds since the last commit while sets wait or are refused, else 0.",
    () => replica.sets.gap_ms / 1000,
  );
}

function addLog(
  registry: MetricRegistry,
  { replica, logFilesBytes }: MetricSources,
): void {
  registry.gauge(
    "usergrade_log_last_sequence",
    "Sequence of the log's last known entry.",
    () => replica.lastSequence,
  );
  registry.gauge(
    "usergrade_log_applied_sequence",
    "Sequence of the last entry applied here.",
    () => replica.appliedSequence,
  );
  registry.gauge(
    "usergrade_log_lag_entries",
    "Entries of the log that are not yet applied here.",
    () => replica.lastSequence - replica.appliedSequence,
  );
  if (logFilesBytes !== undefined) {
    registry.gauge(
      "usergrade_log_files_bytes",
      "Size of the standalone service's files in DATA_DIR, in bytes.",
      logFilesBytes,
    );
  }
  registry.gauge(
    "usergrade_log_connected",
    "1 while sets can be proposed to the log, else 0.",
    () => Number(replica.connected),
  );
  registry.counter(
    "usergrade_log_reconnects_total",
    "Times that proposing to the log became possible again.",
    () => replica.history.reconnects,
  );
  registry.gauge(
    "usergrade_apply_stuck",
    "1 while the next entry can't be applied for lack of memory, else 0.",
    () => Number(replica.isStuck),
  );
  registry.counter(
    "usergrade_poison_entries_total",
    "Entries that were skipped because they are invalid.",
    () => replica.applied.poisonEntries,
  );
}

function addState(
  registry: MetricRegistry,
  { identity, replica }: MetricSources,
): void {
  registry.gauges(
    "usergrade_info",
    "Always 1; the labels have this replica's id, version and mode.",
    ["replica_id", "version", "mode"],
    () => [[{
      replica_id: identity.replicaId,
      version: identity.version,
      mode: identity.mode,
    }, 1]],
  );
  registry.gauges(
    "usergrade_state",
    "1 for this replica's state, 0 for all other states.",
    ["state"],
    () =>
      REPLICA_STATES.map((
        state,
      ): Sample => [{ state }, Number(replica.state === state)]),
  );
  registry.gauge(
    "usergrade_start_held",
    "1 while the start is held back because another replica holds a fuller state, else 0.",
    () => Number(replica.isHeld),
  );
  registry.gauge(
    "usergrade_users",
    "Users stored.",
    () => replica.users,
  );
  registry.counter(
    "usergrade_restored_rows_total",
    "Rows restored from snapshots since the start.",
    () => replica.history.restoredRows,
  );
}

function addCluster(registry: MetricRegistry, cluster: Cluster): void {
  registry.gauge(
    "usergrade_diverged",
    "1 while this replica has an unsettled difference from another one, else 0.",
    () => Number(cluster.diverged),
  );
  registry.counter(
    "usergrade_differences_total",
    "Times that another replica had a different digest at the same sequence.",
    () => cluster.differences,
  );
  registry.gauge(
    "usergrade_other_logs",
    "Replicas and peers that follow another log under the same names.",
    () => cluster.otherLogs(performance.now()).length,
  );
  registry.gauge(
    "usergrade_peers",
    "Other replicas that are alive.",
    () => cluster.membersAlive(performance.now()),
  );
  registry.counter(
    "usergrade_announcements_dropped_total",
    "Heartbeats that were dropped: not a replica's, or too many.",
    () => cluster.droppedHeartbeats,
  );
}
