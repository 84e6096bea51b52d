/**
 * Where a replica can get a snapshot.
 *
 * @module
 */
import type { Snapshot } from "./snapshot.ts";

/** A place that may have a snapshot: a peer, a file, one in a store. */
export interface SnapshotSource {
  /** Names the source in log lines; holds no secret. */
  readonly name: string;
  /**
   * Asks for the snapshot.
   *
   * @param signal Aborts the asking, and the reading after it.
   * @returns The snapshot, to be disposed of after use.
   * @throws {SourceError} If there is none; the message says why.
   */
  open(signal: AbortSignal): Promise<Snapshot>;
}

/** A source gives no snapshot, or breaks off in the middle of one. */
export class SourceError extends Error {
  override name = "SourceError";
}
