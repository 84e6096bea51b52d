/**
 * What `/metrics` says.
 *
 * @module
 */
import type { Histogram } from "../histogram.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { BackupCounts } from "../http/backup.ts";
import type { RequestCounts } from "../http/request_counts.ts";
import type { Replica } from "../replica/replica.ts";
import { REPLICA_STATES } from "../replica/readiness.ts";
import { REJECTIONS } from "../replica/set_counts.ts";
import type { MetricRegistry, Sample } from "./metric_registry.ts";
import type { Identity } from "./status.ts";

/** Whose numbers they are. */
export interface MetricSources {
  readonly identity: Identity;
  readonly replica: Replica;
  /** By listener. */
  readonly requests: Readonly<Record<"set" | "get", RequestCounts>>;
  readonly getSeconds: Histogram;
  readonly backups: BackupCounts;
  readonly cluster: Cluster;
}

/** @returns Metrics that read all numbers anew each time they are asked for. */
export async function createMetrics(
  sources: MetricSources,
): Promise<MetricRegistry> {
  // The library takes some 50 ms to load: meanwhile the log can be opened.
  const { MetricRegistry } = await import("./metric_registry.ts");
  const registry = new MetricRegistry();
  addRequests(registry, sources);
  addSets(registry, sources.replica);
  addLog(registry, sources.replica);
  addState(registry, sources);
  addCluster(registry, sources.cluster);
  addProcess(registry);
  return registry;
}

function addRequests(
  registry: MetricRegistry,
  { requests, getSeconds, backups }: MetricSources,
): void {
  registry.counters(
    "usergrade_http_requests_total",
    "Requests answered, by listener, route and status; paths that are no route's count as other.",
    ["listener", "route", "status"],
    () =>
      Object.entries(requests).flatMap(([listener, counts]) =>
        [...counts.routes()].flatMap(([route, answers]) =>
          answers.entries().map(([status, count]): Sample => [
            { listener, route, status: String(status) },
            count,
          ])
        )
      ),
  );
  registry.histogram(
    "usergrade_get_duration_seconds",
    "Time that a get takes in its handler, of one get in sixteen.",
    getSeconds,
  );
  registry.counters(
    "usergrade_backups_total",
    "Backups served, by whether they were read to their end.",
    ["result"],
    () => [
      [{ result: "complete" }, backups.complete],
      [{ result: "broken" }, backups.broken],
    ],
  );
  registry.counter(
    "usergrade_backup_bytes_total",
    "Bytes of backups that were read.",
    () => backups.bytes,
  );
}

function addSets(registry: MetricRegistry, replica: Replica): void {
  const { counts: setCounts } = replica.sets;
  registry.counter(
    "usergrade_sets_total",
    "Sets committed and applied for clients of this replica, imported rows among them.",
    () => setCounts.committed,
  );
  registry.counters(
    "usergrade_rejected_sets_total",
    "Valid sets that were refused, by reason.",
    ["reason"],
    () => REJECTIONS.map((reason) => [{ reason }, setCounts.rejected[reason]]),
  );
  registry.histogram(
    "usergrade_set_duration_seconds",
    "Time from a valid set to its record, committed and applied.",
    setCounts.setSeconds,
  );
  registry.histogram(
    "usergrade_commit_duration_seconds",
    "Time from proposing a batch of sets to having applied it.",
    setCounts.commitSeconds,
  );
  registry.histogram(
    "usergrade_commit_batch_sets",
    "Sets that were committed together.",
    setCounts.batchSets,
  );
  registry.gauge(
    "usergrade_queue_sets",
    "Sets that wait for the batch before them.",
    () => replica.sets.queued,
  );
}

function addLog(registry: MetricRegistry, replica: Replica): void {
  registry.gauge(
    "usergrade_log_last_sequence",
    "Sequence of the log's last entry, as far as is known.",
    () => replica.lastSequence,
  );
  registry.gauge(
    "usergrade_log_applied_sequence",
    "Sequence of the last entry applied here.",
    () => replica.appliedSequence,
  );
  registry.gauge(
    "usergrade_log_lag_entries",
    "Entries of the log that are not applied here yet.",
    () => replica.lastSequence - replica.appliedSequence,
  );
  registry.gauge(
    "usergrade_log_connected",
    "1 while the log can be proposed to, else 0.",
    () => Number(replica.connected),
  );
  registry.counter(
    "usergrade_log_reconnects_total",
    "Times that the log could be proposed to again after it could not.",
    () => replica.history.reconnects,
  );
  registry.gauge(
    "usergrade_apply_stuck",
    "1 while the next entry finds no room here, so that none is applied, else 0.",
    () => Number(replica.isStuck),
  );
  registry.counter(
    "usergrade_poison_entries_total",
    "Entries that were skipped because they do not validate.",
    () => replica.applied.poisonEntries,
  );
}

function addState(
  registry: MetricRegistry,
  { identity, replica }: MetricSources,
): void {
  registry.gauges(
    "usergrade_info",
    "Always 1; its labels say who this is.",
    ["replica_id", "version", "mode"],
    () => [[{
      replica_id: identity.replicaId,
      version: identity.version,
      mode: identity.mode,
    }, 1]],
  );
  registry.gauges(
    "usergrade_state",
    "1 for the state that this replica is in, 0 for all others.",
    ["state"],
    () =>
      REPLICA_STATES.map((
        state,
      ): Sample => [{ state }, Number(replica.state === state)]),
  );
  registry.gauge(
    "usergrade_users",
    "Users stored.",
    () => replica.users,
  );
  registry.gauge(
    "usergrade_restore_rows",
    "Rows of bases restored since the start.",
    () => replica.history.restoredRows,
  );
}

function addCluster(registry: MetricRegistry, cluster: Cluster): void {
  registry.gauge(
    "usergrade_diverged",
    "1 while this replica differs, or has differed, from one that still counts.",
    () => Number(cluster.diverged),
  );
  registry.counter(
    "usergrade_differences_total",
    "Times that another replica had another digest at the same sequence.",
    () => cluster.differences,
  );
  registry.gauge(
    "usergrade_peers",
    "Other replicas that are heard of.",
    () => cluster.peersAlive,
  );
  registry.counter(
    "usergrade_announcements_dropped_total",
    "Announcements that no replica can have made, or too many.",
    () => cluster.droppedAnnouncements,
  );
}

function addProcess(registry: MetricRegistry): void {
  registry.gauge(
    "process_resident_memory_bytes",
    "Memory of the process in RAM.",
    () => Deno.memoryUsage().rss,
  );
  registry.gauge(
    "process_start_time_seconds",
    "When the process started, in seconds since 1970.",
    () => performance.timeOrigin / 1000,
  );
  registry.gauge(
    "usergrade_heap_used_bytes",
    "Memory of live and dead objects in the main thread's heap; users are not in it.",
    () => Deno.memoryUsage().heapUsed,
  );
  registry.gauge(
    "usergrade_array_buffers_bytes",
    "Memory outside the main thread's heap, that of the users most of all.",
    () => Deno.memoryUsage().external,
  );
}
