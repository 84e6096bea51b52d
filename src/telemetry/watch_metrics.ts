/**
 * The metrics of those who watch changes.
 *
 * @module
 */
import { ENDS } from "../http/get/watch_end.ts";
import type { Watchers } from "../http/get/watchers.ts";
import type { MetricRegistry } from "./metric_registry.ts";

/** Adds how many watch, and what they are sent. */
export function addWatchers(
  registry: MetricRegistry,
  watchers: Pick<Watchers, "size" | "counts">,
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
