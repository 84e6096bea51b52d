/**
 * When snapshots are made, and where besides the log.
 *
 * @module
 */
import type { Environment, VariableReader } from "./variable_reader.ts";
import { VARIABLES } from "./variables.ts";

/** When snapshots are made, and where besides the log. */
export interface SnapshotConfig {
  /** By how much the log may grow before one is made; 0: only on request. */
  readonly logBytes: number;
  /** How old the newest one may become; undefined for no limit. */
  readonly interval_ms: number | undefined;
  /** A folder that holds some too; undefined if there is none. */
  readonly folder: { readonly path: string; readonly kept: number } | undefined;
}

const MINUTE_MS = 60_000;

/** Reads the variables `SNAPSHOT_*`. */
export function readSnapshots(
  reader: VariableReader,
  environment: Environment,
): SnapshotConfig {
  const logBytes =
    reader.value("SNAPSHOT_LOG_BYTES", VARIABLES.SNAPSHOT_LOG_BYTES) ?? 0;
  const minutes = reader.value(
    "SNAPSHOT_INTERVAL_MINUTES",
    VARIABLES.SNAPSHOT_INTERVAL_MINUTES,
  );
  if (minutes !== undefined && logBytes === 0) {
    reader.problems.push(
      "SNAPSHOT_INTERVAL_MINUTES has no effect with SNAPSHOT_LOG_BYTES=0, which makes snapshots on request only: unset one of them",
    );
  }
  const path = reader.value("SNAPSHOT_DIR", VARIABLES.SNAPSHOT_DIR);
  const kept = reader.value("SNAPSHOTS_KEPT", VARIABLES.SNAPSHOTS_KEPT) ?? 0;
  if (path === undefined && environment.SNAPSHOTS_KEPT) {
    reader.problems.push(
      "SNAPSHOTS_KEPT needs SNAPSHOT_DIR: beside the log, two are kept always",
    );
  }
  return {
    logBytes,
    interval_ms: minutes && minutes * MINUTE_MS,
    folder: path === undefined ? undefined : { path, kept },
  };
}
