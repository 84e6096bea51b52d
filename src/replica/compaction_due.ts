/**
 * When it is time for a snapshot. It does no I/O.
 *
 * @module
 */
import {
  type CompactionFacts,
  KEPT_BESIDE_LOG,
  type KnownSnapshot,
} from "./compaction_facts.ts";

/**
 * How many times as long as the last snapshot took must pass before limits set
 * by hand may ask for the next one. Otherwise limits that are too small would
 * keep the replica writing snapshots.
 */
const PAUSE_FACTOR = 4;

/**
 * @param facts All that is known.
 * @param verified Of its snapshots, those that were read back, newest first.
 * @returns Why it is time for a snapshot; undefined if it is not.
 */
export function whyDue(
  facts: CompactionFacts,
  verified: readonly KnownSnapshot[],
): string | undefined {
  const { policy, date_ms, appliedSequence, retention } = facts;
  if (policy.logBytes === 0) return undefined;
  const [newest] = verified;
  const from = newest?.info.sequence ?? 0;
  const bytes = facts.logBytesSince(from);
  if (bytes > Math.max(policy.logBytes, 2 * (newest?.bytes ?? 0))) {
    return `${bytes} bytes of log came since the last one`;
  }
  const mayHurry = hasPaused(facts);
  if (mayHurry && lacksSnapshots(facts, verified)) {
    return "the log no longer has what an older state would need";
  }
  if (appliedSequence <= from) return undefined;
  const age_ms = Math.max(
    date_ms - Date.parse(newest?.info.time ?? "1970-01-01"),
    // The date here may be far behind that of NATS, whose time the snapshot has.
    facts.now_ms - (facts.newestSince_ms ?? facts.now_ms),
  );
  if (
    policy.interval_ms !== undefined && age_ms >= policy.interval_ms &&
    !wasWrittenWithin(policy.interval_ms, newest, facts)
  ) return "the last one is as old as it may be";
  const isQuarter = (amount: number, limit: number | undefined) =>
    limit !== undefined && amount >= limit / 4;
  return mayHurry && (
      isQuarter(bytes, retention.bytes) ||
      isQuarter(appliedSequence - from, retention.entries) ||
      isQuarter(age_ms, retention.age_ms)
    )
    ? "a limit of the log takes old entries"
    : undefined;
}

/**
 * Whether this replica has written a snapshot not long ago, by a clock that
 * needs no other: the date here may be far ahead of that of NATS, whose time the
 * snapshot has. Each one would look too old at once.
 */
function wasWrittenWithin(
  interval_ms: number,
  newest: KnownSnapshot | undefined,
  { now_ms, lastWrite }: CompactionFacts,
): boolean {
  return lastWrite !== undefined && lastWrite.id === newest?.id &&
    now_ms - lastWrite.endedAt_ms < interval_ms;
}

function hasPaused({ now_ms, lastWrite }: CompactionFacts): boolean {
  return lastWrite === undefined ||
    now_ms - lastWrite.endedAt_ms >= PAUSE_FACTOR * lastWrite.took_ms;
}

/**
 * Whether the log was cut, or entries were removed from it, and so few snapshots
 * are left that one more damaged one would lose the state.
 */
function lacksSnapshots(
  facts: CompactionFacts,
  verified: readonly KnownSnapshot[],
): boolean {
  const { firstSequence, removedTo, place } = facts;
  const reaching = verified.filter((one) => reachesLog(one, facts));
  return (firstSequence > 1 || removedTo > 0) &&
    reaching.length < (place.trims ? KEPT_BESIDE_LOG : 1);
}

/** @returns Whether a start can go on from a snapshot with the log's entries. */
export function reachesLog(
  { info }: KnownSnapshot,
  { firstSequence, removedTo, beginsUnproven }: CompactionFacts,
): boolean {
  const needed = beginsUnproven ? firstSequence : firstSequence - 1;
  return info.sequence >= Math.max(needed, removedTo);
}
