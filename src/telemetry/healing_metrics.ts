/**
 * What `/metrics` says of a log that has lost entries, and of how it was made
 * whole.
 *
 * @module
 */
import type { HealingView } from "../http/ports/status.ts";
import type { ReplicaView } from "../replica/replica_view.ts";
import type { MetricRegistry } from "./metric_registry.ts";

/**
 * @param healing Counts what the healer saw.
 * @param replica Has the heal points of its state.
 */
export function addHealing(
  registry: MetricRegistry,
  healing: HealingView,
  replica: Pick<ReplicaView, "heals" | "healedTo">,
): void {
  registry.counter(
    "usergrade_healings_total",
    "Times that the log was made whole since this replica started.",
    () => healing.seen,
  );
  registry.gauge(
    "usergrade_log_lost_entries",
    "Entries applied here that the log has lost and does not have yet.",
    () => healing.lost,
  );
  registry.gauge(
    "usergrade_heal_points",
    "Times that the log was made whole since it began, as far as it is applied here.",
    () => replica.heals.count,
  );
  registry.gauge(
    "usergrade_healed_to_sequence",
    "Sequence up to which the log was made whole last; 0 if it never was.",
    () => replica.healedTo ?? 0,
  );
}
