/**
 * The metrics of sets and deletions.
 *
 * @module
 */
import type { ReplicaView } from "../replica/replica_view.ts";
import { REJECTIONS } from "../replica/set_counts.ts";
import type { MetricRegistry } from "./metric_registry.ts";

/** Adds how they end, and how long that takes. */
export function addSets(registry: MetricRegistry, replica: ReplicaView): void {
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
