/**
 * What `/metrics` says of requests, and of the files that they carry.
 *
 * @module
 */
import type { Histogram } from "../histogram.ts";
import type { RequestCounts } from "../http/server/request_counts.ts";
import type { Unauthorized } from "../http/server/unauthorized.ts";
import type { BackupCounts } from "../http/set/backup.ts";
import type { ImportCounts } from "../http/set/import.ts";
import type { MetricRegistry, Sample } from "./metric_registry.ts";

/** Where the numbers are kept. */
export interface HttpSources {
  /** By listener. */
  readonly requests: Readonly<Record<"set" | "get", RequestCounts>>;
  readonly unauthorized: Pick<Unauthorized, "missing" | "wrong">;
  readonly getSeconds: Histogram;
  readonly backups: BackupCounts;
  readonly imports: ImportCounts;
}

/** Adds them. */
export function addHttp(registry: MetricRegistry, sources: HttpSources): void {
  const { requests, unauthorized, getSeconds } = sources;
  registry.counters(
    "usergrade_http_requests_total",
    "Requests answered, by listener, route and status; unmatched paths count as other.",
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
  registry.counters(
    "usergrade_unauthorized_total",
    "Requests refused with 401, by their credentials: missing, or wrong.",
    ["credentials"],
    () => [
      [{ credentials: "missing" }, unauthorized.missing],
      [{ credentials: "wrong" }, unauthorized.wrong],
    ],
  );
  registry.histogram(
    "usergrade_get_duration_seconds",
    "Seconds that a get takes in its handler; one get in 16 is timed, and counts for 16.",
    getSeconds,
  );
  addFiles(registry, sources);
}

function addFiles(
  registry: MetricRegistry,
  { backups, imports }: HttpSources,
): void {
  registry.counters(
    "usergrade_backups_total",
    "Backups served, by result: complete, or broken off by the client.",
    ["result"],
    () => [
      [{ result: "complete" }, backups.complete],
      [{ result: "broken" }, backups.broken],
    ],
  );
  registry.counter(
    "usergrade_backup_bytes_total",
    "Bytes of backups that were sent.",
    () => backups.bytes,
  );
  registry.gauges(
    "usergrade_last_backup_timestamp_seconds",
    "When a backup was last served to its end, in seconds since 1970; missing if none was since the start.",
    [],
    () => {
      const { completeAt_ms } = backups;
      return completeAt_ms === undefined ? [] : [[{}, completeAt_ms / 1000]];
    },
  );
  registry.counters(
    "usergrade_imports_total",
    "Imports that have ended, by result: complete, or failed after they had begun.",
    ["result"],
    () => [
      [{ result: "complete" }, imports.complete],
      [{ result: "failed" }, imports.failed],
    ],
  );
}
