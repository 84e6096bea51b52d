/**
 * What was measured of snapshots, as Markdown.
 *
 * @module
 */
import { spread } from "../http/figures.ts";
import type { BesideLoad } from "./beside_load.ts";
import type { LogGrowth } from "./log_growth.ts";
import type { Making } from "./making.ts";

/** The parts that were measured. */
export interface Measured {
  readonly making?: Making;
  readonly beside_load?: BesideLoad;
  readonly log_growth?: LogGrowth;
}

/** @returns The parts as tables. */
export function markdown(
  { making, beside_load, log_growth }: Measured,
  rounds: number,
  generator: string,
): string {
  return [
    ...(making ? makingLines(making) : []),
    ...(beside_load ? besideLoadLines(beside_load) : []),
    ...(log_growth ? logGrowthLines(log_growth) : []),
    `Medians of ${rounds} rounds, the sides in turn; load by ${generator}.`,
  ].join("\n");
}

function row(...cells: (string | number)[]): string {
  return `| ${cells.join(" | ")} |`;
}

function median(values: readonly number[]): number {
  return values.length === 0 ? NaN : spread(values).median;
}

/** The median of the rounds' ratios, each of one round's own two sides. */
function ratio(upper: readonly number[], lower: readonly number[]): string {
  return median(upper.map((value, round) => value / lower[round])).toFixed(2);
}

function millions(rowsPerSecond: readonly number[]): string {
  return `${(median(rowsPerSecond) / 1e6).toFixed(2)} M`;
}

function mb(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

function makingLines(making: Making): string[] {
  const { backup, snapshot, warm_start, cold_start } = making;
  return [
    row(`${making.users / 1e6} M users, rows/s`, "", "beside", "", "ratio"),
    row("---", "---:", "---", "---:", "---:"),
    row(
      "snapshot, written to the broker and read back",
      millions(snapshot),
      "backup over HTTP",
      millions(backup),
      ratio(snapshot, backup),
    ),
    row(
      "start from the broker alone, process to ready",
      millions(cold_start),
      "start from a peer over HTTP",
      millions(warm_start),
      ratio(cold_start, warm_start),
    ),
    row(
      "its peak of memory, MB",
      median(making.cold_start_peak_mb).toFixed(0),
      "that of the start from a peer",
      median(making.warm_start_peak_mb).toFixed(0),
      ratio(making.cold_start_peak_mb, making.warm_start_peak_mb),
    ),
    "",
  ];
}

function besideLoadLines(found: BesideLoad): string[] {
  return [
    row(`${found.users / 1e6} M users`, "", "beside", "", "ratio"),
    row("---", "---:", "---", "---:", "---:"),
    row(
      `sets/s during snapshots, ${found.connections} connections`,
      median(found.sets_during_snapshots).toFixed(0),
      "without",
      median(found.sets_quiet).toFixed(0),
      ratio(found.sets_during_snapshots, found.sets_quiet),
    ),
    row(
      "time of a snapshot during sets, s",
      median(found.snapshot_s).toFixed(1),
      "without sets",
      median(found.snapshot_idle_s).toFixed(1),
      (median(found.snapshot_s) / median(found.snapshot_idle_s)).toFixed(1),
    ),
    ...(found.get_p99_quiet_ms.length === 0
      ? [row("p99 of gets", "needs wrk", "", "", "")]
      : [
        getsRow("snapshots", found.get_p99_during_snapshots_ms, found),
        getsRow("backups", found.get_p99_during_backups_ms, found),
      ]),
    "",
  ];
}

function getsRow(
  work: string,
  meanwhile_ms: readonly number[],
  { get_p99_quiet_ms: quiet_ms }: BesideLoad,
): string {
  return row(
    `p99 of gets during ${work}, 16 connections, ms`,
    median(meanwhile_ms).toFixed(2),
    "without",
    median(quiet_ms).toFixed(2),
    ratio(meanwhile_ms, quiet_ms),
  );
}

function logGrowthLines(growth: LogGrowth): string[] {
  return [
    `${growth.users / 1e6} M users, ${
      growth.sets_per_s.toFixed(0)
    } sets/s for ${growth.seconds} s, SNAPSHOT_LOG_BYTES of ${
      mb(growth.snapshot_log_bytes)
    } MiB: ${growth.snapshots} snapshots of ${
      mb(growth.snapshot_bytes)
    } MiB. The log had at most ${mb(growth.highest_log_bytes)} MiB of the ${
      mb(growth.written_bytes)
    } MiB written, and may have ${mb(growth.limit_bytes)} MiB; the bucket ${
      mb(growth.highest_bucket_bytes)
    } MiB. The replica had at most ${
      growth.peak_mb.toFixed(0)
    } MB. A start from the broker alone then took ${
      growth.cold_start_s.toFixed(1)
    } s and ${growth.cold_start_peak_mb.toFixed(0)} MB, and no set was lost.`,
    "",
  ];
}
