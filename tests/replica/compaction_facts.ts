/**
 * Facts for compaction, all well and nothing due, but for what a test changes.
 *
 * @module
 */
import { nextStep, noteWanted } from "../../src/replica/compaction.ts";
import { NO_RETENTION } from "../../src/log/log.ts";
import type {
  CompactionFacts,
  KnownSnapshot,
  Step,
} from "../../src/replica/compaction_facts.ts";
import { LOG_ID } from "../support/snapshots.ts";

/** The date of all facts, unless a test says another one. */
export const DATE_MS = Date.UTC(2026, 10, 24);

/** The bucket, or the embedded log if it is not shared. */
export const BESIDE_LOG = { isShared: true, trims: true, kept: 2 };

/** A folder. */
export const FOLDER = { isShared: false, trims: false, kept: 3 };

/**
 * @param sequence Its place.
 * @param changes `v` for verified, `o` for own, `x` for another log's, `u` for unreadable,
 * `1` for read back before the newest one was there.
 */
export function known(
  sequence: number,
  changes = "v",
  more: Partial<KnownSnapshot> = {},
): KnownSnapshot {
  return {
    id: `${sequence}${changes}`,
    info: {
      logId: LOG_ID,
      sequence,
      time: new Date(DATE_MS - 1_000).toISOString(),
      rows: 10,
      digest: "0".repeat(16),
    },
    bytes: 100,
    isVerified: changes.includes("v"),
    isOwn: changes.includes("o"),
    isUnreadable: changes.includes("u"),
    isReadAgain: changes.includes("v") && !changes.includes("1"),
    isOfThisLog: !changes.includes("x"),
    ...more,
  };
}

/** 1 byte of log an entry, unless a test says other. */
export function facts(changes: Partial<CompactionFacts> = {}): CompactionFacts {
  const appliedSequence = changes.appliedSequence ?? 1_000;
  return {
    blocked: undefined,
    appliedSequence,
    logBytesSince: (sequence) => Math.max(0, appliedSequence - sequence),
    retention: NO_RETENTION,
    rank: 0,
    slowestSequence: undefined,
    now_ms: 1_000_000,
    date_ms: DATE_MS,
    place: BESIDE_LOG,
    policy: { logBytes: 10_000, interval_ms: undefined },
    snapshots: [],
    firstSequence: 1,
    lastSequence: appliedSequence,
    removedTo: 0,
    beginsUnproven: false,
    isRequested: false,
    isHurried: changes.isRequested ?? false,
    failure: undefined,
    lastWrite: undefined,
    newestSince_ms: undefined,
    wantedSince: new Map(),
    ...changes,
  };
}

/** @returns A step in a few words. */
export function say(step: Step): string {
  switch (step.type) {
    case "none":
    case "write":
      return step.type;
    case "trim":
      return `trim ${step.older.info.sequence}`;
    default:
      return `${step.type} ${step.snapshot.id}`;
  }
}

/** @returns What is done with some facts that have been so for some time. */
export function stepAfter(
  wait_ms: number,
  changes: Partial<CompactionFacts>,
): string {
  const then = facts(changes);
  const wantedSince = noteWanted(then);
  const now_ms = then.now_ms + wait_ms;
  return say(nextStep({ ...then, now_ms, wantedSince }));
}

/** @returns What is done with some facts at once. */
export function stepOf(changes: Partial<CompactionFacts>): string {
  return stepAfter(0, changes);
}
