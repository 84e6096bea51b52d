/**
 * What a store and the log have now, and which snapshots are of this log.
 *
 * @module
 */
import { compareLog } from "../log/compare_log.ts";
import type { LogLocation } from "../log/log.ts";
import type { SnapshotInfo } from "../snapshot/snapshot.ts";
import type { StoredSnapshot } from "../snapshot/store.ts";
import { followsEntry } from "./fit.ts";
import type { CompactionCalls } from "./compaction_calls.ts";
import { RemovedEntries } from "./removed_entries.ts";

/** A store and a log at one moment. */
export interface CompactionLook {
  readonly at_ms: number;
  /** Newest first. */
  readonly snapshots: readonly (StoredSnapshot & {
    readonly isOfThisLog: boolean;
  })[];
  /** Of the log, looked up after the snapshots were listed. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** As the facts have it. */
  readonly removedTo: number;
  /** As the facts have it; undefined while the log has no entry. */
  readonly beginsUnproven: boolean | undefined;
}

/** How a snapshot relates to the log. */
export type SnapshotFit =
  /** The log has the entry at its sequence, or had it and was cut since. */
  | { readonly type: "fits"; readonly isProven: boolean }
  /** The log ends before it. */
  | { readonly type: "beyond" }
  /** It is of another log, or of another history of this log. */
  | { readonly type: "misfit"; readonly reason: string };

/**
 * @param info The snapshot.
 * @param logId The log's identity.
 * @param location The log, looked up with the snapshot's sequence.
 */
export function fitOf(
  { logId: ownLogId, sequence, time }: SnapshotInfo,
  logId: string,
  location: LogLocation,
): SnapshotFit {
  if (ownLogId !== logId) {
    return { type: "misfit", reason: `it is of the log ${ownLogId}` };
  }
  const entry = location.time === undefined
    ? undefined
    : { sequence, time: location.time };
  const last = { sequence, time: time ?? "" };
  const comparison = compareLog({ ...location, entry }, { sequence, last });
  switch (comparison.type) {
    case "ahead":
      return { type: "beyond" };
    case "forked":
      return {
        type: "misfit",
        reason:
          `entry ${sequence} of the log is of ${location.time}, in the snapshot it is of ${time}`,
      };
    default:
      return { type: "fits", isProven: entry !== undefined };
  }
}

/** What is wrong with a store or its log. */
export interface LookListener {
  /** A snapshot is not of this log. */
  misfits(snapshot: StoredSnapshot, reason: string): void;
  /** Entries were removed from the middle of the log, up to one at most. */
  removed(count: number, upTo: number): void;
}

/** Looks, and remembers which snapshots are of this log. */
export class CompactionLooks {
  /**
   * Whether each snapshot that is listed is of this log, by their ids; those
   * beyond the log's end are looked at again.
   */
  #areOfThisLog = new Map<string, boolean>();
  readonly #removed: RemovedEntries;

  /**
   * @param calls The store and the log.
   * @param listener Told, once each, of what is wrong with them.
   */
  constructor(
    private readonly calls: CompactionCalls,
    private readonly listener: LookListener,
  ) {
    this.#removed = new RemovedEntries(
      (count, upTo) => listener.removed(count, upTo),
    );
  }

  /** @param logId The log's identity. */
  async look(logId: string, now_ms: number): Promise<CompactionLook> {
    const stored = await this.calls.list();
    const areOfThisLog = new Map<string, boolean>();
    const newest = stored.find(({ info }) => info.logId === logId);
    // After the list: a listed snapshot is beyond the log only if the log lost
    // entries.
    const location = await this.calls.locate(newest?.info.sequence ?? 0);
    for (const snapshot of stored) {
      const { id, info } = snapshot;
      const known = this.#areOfThisLog.get(id);
      const isSure = known ??
        this.#judge(
          snapshot,
          fitOf(
            info,
            logId,
            snapshot === newest || info.logId !== logId
              ? location
              : await this.calls.locate(info.sequence),
          ),
        );
      if (isSure !== undefined) areOfThisLog.set(id, isSure);
    }
    this.#areOfThisLog = areOfThisLog;
    const { firstSequence, lastSequence } = location;
    const before = firstSequence - 1;
    // It matters to snapshots there alone, and there is hardly ever one.
    const { begin } = stored.some(({ info }) => info.sequence === before)
      ? await this.calls.locate(before)
      : location;
    return {
      at_ms: now_ms,
      snapshots: stored.map((snapshot) => ({
        ...snapshot,
        isOfThisLog: areOfThisLog.get(snapshot.id) ?? true,
      })),
      firstSequence,
      lastSequence,
      removedTo: this.#removed.upTo(location),
      beginsUnproven: firstSequence > lastSequence
        ? undefined
        : begin !== undefined && begin.mark === undefined &&
          !stored.some(({ info: { sequence, time } }) =>
            sequence === before && followsEntry(begin, time)
          ),
    };
  }

  /** Notes that a snapshot is not of this log. */
  disown(id: string): void {
    this.#areOfThisLog.set(id, false);
  }

  /** @returns Whether it is of this log; undefined if it is beyond its end. */
  #judge(snapshot: StoredSnapshot, fit: SnapshotFit): boolean | undefined {
    switch (fit.type) {
      case "fits":
        return true;
      case "beyond":
        return undefined;
      case "misfit":
        this.listener.misfits(snapshot, fit.reason);
        return false;
    }
  }
}
