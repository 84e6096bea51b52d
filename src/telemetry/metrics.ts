/**
 * What `/metrics` says.
 *
 * @module
 */
import type { Cluster } from "../cluster/cluster.ts";
import type { Identity } from "../http/ports/identity.ts";
import type { SnapshotView } from "../http/ports/snapshots.ts";
import type { HealingView } from "../http/ports/status.ts";
import type { Watchers } from "../http/get/watchers.ts";
import { REPLICA_STATES } from "../replica_states.ts";
import { addHealing } from "./healing_metrics.ts";
import { addHttp, type HttpSources } from "./http_metrics.ts";
import { addLog, type LogSources } from "./log_metrics.ts";
import type { MetricRegistry, Sample } from "./metric_registry.ts";
import { addProcess, type ProcessSources } from "./process_metrics.ts";
import { addSets } from "./set_metrics.ts";
import { addSnapshots } from "./snapshot_metrics.ts";
import { addWatchers } from "./watch_metrics.ts";

/** Where the numbers are kept. */
export interface MetricSources extends HttpSources, LogSources, ProcessSources {
  readonly identity: Identity;
  readonly watchers: Pick<Watchers, "size" | "counts">;
  readonly cluster: Cluster;
  readonly snapshots: SnapshotView;
  readonly healing: HealingView;
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
