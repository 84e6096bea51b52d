/**
 * The metrics of the log, and of applying it.
 *
 * @module
 */
import type { ReplicaView } from "../replica/replica_view.ts";
import type { MetricRegistry } from "./metric_registry.ts";

/** Where the numbers of a log are kept. */
export interface LogSources {
  readonly replica: ReplicaView;
  /** The size of the log's files on the disk; undefined where it has none here. */
  readonly logFilesBytes: (() => number) | undefined;
}

/** Adds where the log and this replica stand. */
export function addLog(
  registry: MetricRegistry,
  { replica, logFilesBytes }: LogSources,
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
