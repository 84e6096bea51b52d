/**
 * What `/metrics` says of the log's size and of the snapshots that are kept.
 *
 * @module
 */
import type {
  KeptSnapshot,
  SnapshotKeeping,
  SnapshotView,
} from "../http/ports/snapshots.ts";
import type { MetricRegistry, Sample } from "./metric_registry.ts";

/** @param now_ms The time in milliseconds since 1970. */
export function addSnapshots(
  registry: MetricRegistry,
  snapshots: SnapshotView,
  now_ms: () => number,
): void {
  addLogSize(registry, snapshots);
  /** A number of each place that has one. */
  const ofPlaces = (
    read: (keeping: SnapshotKeeping) => number | undefined,
  ): Sample[] =>
    Object.entries(snapshots.places).flatMap(([place, keeping]): Sample[] => {
      const value = keeping === undefined ? undefined : read(keeping);
      return value === undefined ? [] : [[{ place }, value]];
    });
  const gauges = (
    name: string,
    help: string,
    read: (keeping: SnapshotKeeping) => number | undefined,
  ) => registry.gauges(name, help, ["place"], () => ofPlaces(read));

  gauges(
    "usergrade_snapshot_age_seconds",
    "Seconds since the log took the last entry of the newest snapshot, by place; missing before the first snapshot.",
    ({ newest }) => newest === null ? undefined : ageSeconds(newest, now_ms()),
  );
  gauges(
    "usergrade_snapshot_bytes",
    "Size of the newest snapshot in bytes, by place; 0 before the first.",
    ({ newest }) => newest?.bytes ?? 0,
  );
  gauges(
    "usergrade_snapshot_sequence",
    "Sequence of the newest snapshot, by place; 0 before the first.",
    ({ newest }) => newest?.sequence ?? 0,
  );
  gauges(
    "usergrade_snapshot_log_bytes",
    "Bytes by which the log has grown since the newest snapshot, by place.",
    ({ logBytesSince }) => logBytesSince,
  );
  gauges(
    "usergrade_snapshot_off",
    "1 while no snapshot can be made in this place, else 0; the log line of the change says why.",
    ({ problem }) => Number(problem !== undefined),
  );
  registry.counters(
    "usergrade_snapshot_failures_total",
    "Snapshots that could not be written or read back whole, by place.",
    ["place"],
    () => ofPlaces(({ failures }) => failures),
  );
}

function addLogSize(
  registry: MetricRegistry,
  snapshots: SnapshotView,
): void {
  registry.gauge(
    "usergrade_log_bytes",
    "Size of all entries that the log holds, in bytes.",
    () => snapshots.log.bytes,
  );
  registry.gauge(
    "usergrade_log_limited",
    "1 while a limit set by hand can take entries that no snapshot holds, else 0.",
    () => Number(snapshots.log.isLimited),
  );
}

/**
 * @param snapshot A snapshot.
 * @param now_ms The time in milliseconds since 1970.
 * @returns How long ago the log took its last entry, at least 0, since another
 * machine's clock gave that time; undefined if it has no entry.
 */
function ageSeconds(
  { time }: KeptSnapshot,
  now_ms: number,
): number | undefined {
  return time === null
    ? undefined
    : Math.max(0, now_ms - Date.parse(time)) / 1000;
}
