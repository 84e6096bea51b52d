/**
 * What `/metrics` says of the process. The names that begin with `process_` are
 * those of Prometheus' own libraries:
 * https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
 *
 * The library's collectors read `/proc`, which the runtime lets only a process
 * with all permissions do.
 *
 * @module
 */
import { cpuUsage } from "node:process";
import type { Listeners } from "../http/server/listeners.ts";
import type { LogLines } from "./logger.ts";
import type { LoopLag } from "./loop_lag.ts";
import type { MetricRegistry } from "./metric_registry.ts";

/** Where the numbers are kept. */
export interface ProcessSources {
  readonly loopLag: Pick<LoopLag, "seconds">;
  readonly listeners: Pick<
    Listeners,
    "openFiles" | "openFilesMax" | "timesShed"
  >;
  readonly logLines: Pick<LogLines, "lost">;
}

/** Adds them. */
export function addProcess(
  registry: MetricRegistry,
  { loopLag, listeners, logLines }: ProcessSources,
): void {
  registry.counter(
    "process_cpu_seconds_total",
    "CPU time of the process with all its threads, in seconds.",
    () => {
      const { user, system } = cpuUsage();
      return (user + system) / 1e6;
    },
  );
  registry.gauge(
    "process_resident_memory_bytes",
    "Resident memory of the process, in bytes.",
    () => Deno.memoryUsage().rss,
  );
  registry.gauge(
    "process_start_time_seconds",
    "Start time of the process, in seconds since 1970.",
    () => performance.timeOrigin / 1000,
  );
  addMainThread(registry, loopLag);
  registry.gauge(
    "usergrade_open_files",
    "Lowest free file descriptor: there are at least so many open files and sockets.",
    () => listeners.openFiles,
  );
  registry.gauge(
    "usergrade_open_files_max",
    "Open files and sockets from which on idle connections are closed.",
    () => listeners.openFilesMax,
  );
  registry.counter(
    "usergrade_idle_connections_closed_total",
    "Times that all idle connections were closed because too many files and sockets were open.",
    () => listeners.timesShed,
  );
  registry.counter(
    "usergrade_lost_log_lines_total",
    "Log lines that stderr did not take.",
    () => logLines.lost,
  );
}

function addMainThread(
  registry: MetricRegistry,
  loopLag: ProcessSources["loopLag"],
): void {
  registry.histogram(
    "usergrade_event_loop_lag_seconds",
    "Seconds by which the main thread was late for work that is due ten times a second.",
    loopLag.seconds,
  );
  registry.gauge(
    "usergrade_heap_used_bytes",
    "Heap of the main thread, in bytes; users are stored outside of it.",
    () => Deno.memoryUsage().heapUsed,
  );
  registry.gauge(
    "usergrade_array_buffers_bytes",
    "Memory outside the main thread's heap, in bytes; mostly users.",
    () => Deno.memoryUsage().external,
  );
}
