/**
 * When a snapshot is made, by which replica, and what is deleted and trimmed
 * after it. It does no I/O: facts and the time in, the next step out.
 *
 * @module
 */
import type { LogRetention } from "../log/log.ts";
import type { StoredSnapshot } from "../snapshot/store.ts";

/** How long a replica waits for each ready replica that comes before it. */
export const OTHERS_WAIT_MS = 60_000;

/** How long the writer of a snapshot, if it is another replica, has to verify it. */
export const VERIFY_WAIT_MS = 60_000;

/** How long a snapshot that no one verifies holds back the next one. */
export const UNVERIFIED_WAIT_MS = 300_000;

/** How long a trim waits for replicas that are catching up. */
export const TRIM_WAIT_MS = 60_000;

/** How long to wait after a failure, from and up to. */
export const BACK_OFF_MIN_MS = 10_000;
export const BACK_OFF_MAX_MS = 600_000;

/** How long to wait before a store that may not be used is tried again. */
export const FORBIDDEN_WAIT_MS = 300_000;

/** The most snapshots, newer than the newest verified one, that are not verified. */
export const UNVERIFIED_MAX = 3;

/** How many snapshots are kept where the log is cut behind the older one. */
export const KEPT_BESIDE_LOG = 2;

/**
 * After a snapshot, how many times as long as it took until limits set by hand
 * may ask for the next one: limits that are too small would have the replica
 * write snapshots all the time.
 */
const PAUSE_FACTOR = 4;

/** A snapshot in the store. */
export interface KnownSnapshot extends StoredSnapshot {
  /**
   * Whether it is of this log: the log's id is the same and, where the log
   * still has the entry at its sequence, that entry's time.
   */
  readonly isOfThisLog: boolean;
  /** Whether this replica wrote it since its start. */
  readonly isOwn: boolean;
  /** Whether reading it back has failed so often that it is given up. */
  readonly isUnreadable: boolean;
}

/** The store, and what is done for it. */
export interface CompactionPlace {
  /** Whether other replicas use the store too. */
  readonly isShared: boolean;
  /** Whether the log is cut behind its snapshots. */
  readonly trims: boolean;
  /**
   * How many snapshots are kept. Invariant: {@linkcode KEPT_BESIDE_LOG} where
   * the log is cut.
   */
  readonly kept: number;
}

/** What the operator wants. */
export interface CompactionPolicy {
  /** By how much the log may grow before it is snapshot; 0: never by itself. */
  readonly logBytes: number;
  /** How old the newest snapshot may become; undefined for no limit. */
  readonly interval_ms: number | undefined;
}

/** The replica and its cluster now. */
export interface CompactionSituation {
  /** Why this replica can't act now; undefined if it is ready and can commit. */
  readonly blocked: string | undefined;
  readonly appliedSequence: number;
  /** @returns How many bytes of log came after a sequence. */
  logBytesSince(sequence: number): number;
  /** Limits of the log, set by hand, that take old entries. */
  readonly retention: LogRetention;
  /** How many ready replicas come before this one; 0: it is the first. */
  readonly rank: number;
  /**
   * The lowest sequence that a replica which is catching up has applied;
   * undefined if none is catching up.
   */
  readonly slowestSequence: number | undefined;
}

/** All that the next step depends on. */
export interface CompactionFacts extends CompactionSituation {
  /** A clock that never goes back. */
  readonly now_ms: number;
  /** The date, as `Date.now()`: times of snapshots are compared with it. */
  readonly date_ms: number;
  readonly place: CompactionPlace;
  readonly policy: CompactionPolicy;
  /** Newest first, as the store lists them. */
  readonly snapshots: readonly KnownSnapshot[];
  /** Of the log, looked up after the snapshots were listed. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Whether an operator waits for a snapshot that is not begun yet. */
  readonly isRequested: boolean;
  /** Whether an operator waits at all: then no failure is waited out. */
  readonly isHurried: boolean;
  /** The failures since the last success. */
  readonly failure: CompactionFailure | undefined;
  /** The last snapshot that this replica wrote, and how long that took. */
  readonly lastWrite:
    | { readonly endedAt_ms: number; readonly took_ms: number }
    | undefined;
  /** Since when each step has been wanted, by {@linkcode stepKey}. */
  readonly wantedSince: ReadonlyMap<string, number>;
}

/** What went wrong. */
export interface CompactionFailure {
  /** How many steps in a row. */
  readonly count: number;
  /** When the last one failed. */
  readonly at_ms: number;
  /** Whether the store may not be used at all. */
  readonly isForbidden: boolean;
}

/** What is to be done. */
export type WorkStep =
  /** Write a snapshot. */
  | { readonly type: "write"; readonly reason: string }
  /** Read a snapshot back; delete it if it is damaged. */
  | { readonly type: "verify"; readonly snapshot: KnownSnapshot }
  /** Delete a snapshot. */
  | { readonly type: "delete"; readonly snapshot: KnownSnapshot }
  /** Let go of the log's entries before a snapshot; `newer` is kept too. */
  | {
    readonly type: "trim";
    readonly older: KnownSnapshot;
    readonly newer: KnownSnapshot;
  };

/** Nothing is to be done now. */
export interface NoStep {
  readonly type: "none";
  readonly reason: string;
  /** Whether an operator should know of it. */
  readonly isProblem: boolean;
}

/** The next step. */
export type Step = WorkStep | NoStep;

/** A step that is worth doing, and how long others have their turn before. */
interface WantedStep {
  readonly step: WorkStep;
  readonly wait_ms: number;
}

/** @returns The next step. */
export function nextStep(facts: CompactionFacts): Step {
  const reason = facts.blocked ?? backingOff(facts);
  if (reason !== undefined) return none(reason);
  const beyond = beyondTheLog(facts);
  if (beyond !== undefined) return none(beyond, true);
  const wanted = wantedSteps(facts);
  const next = wanted.find(({ step, wait_ms }) =>
    facts.now_ms - (facts.wantedSince.get(stepKey(step)) ?? facts.now_ms) >=
      wait_ms
  );
  if (next !== undefined) {
    checkStep(next.step, facts);
    return next.step;
  }
  if (wanted.length > 0) return none("others have their turn first");
  return hasRoom(facts)
    ? none("nothing is to be done")
    : none(`${UNVERIFIED_MAX} snapshots could not be read back`, true);
}

/**
 * Takes note of what is wanted: call it with all facts that are seen.
 *
 * @returns Since when each step has been wanted, of those wanted now.
 */
export function noteWanted(facts: CompactionFacts): Map<string, number> {
  const isIdle = facts.blocked !== undefined ||
    beyondTheLog(facts) !== undefined;
  return new Map((isIdle ? [] : wantedSteps(facts)).map(({ step }) => {
    const key = stepKey(step);
    return [key, facts.wantedSince.get(key) ?? facts.now_ms];
  }));
}

/** Names a step, so that it is known again when it is still wanted later. */
export function stepKey(step: WorkStep): string {
  switch (step.type) {
    case "write":
      return "write";
    case "trim":
      return `trim ${step.older.info.sequence}`;
    default:
      return `${step.type} ${step.snapshot.id}`;
  }
}

/** @returns The newest of this log's snapshots that were read back whole. */
export function newestVerified(
  snapshots: readonly KnownSnapshot[],
): KnownSnapshot | undefined {
  return verifiedOf(snapshots)[0];
}

function verifiedOf(snapshots: readonly KnownSnapshot[]): KnownSnapshot[] {
  return snapshots.filter(({ isOfThisLog, isVerified }) =>
    isOfThisLog && isVerified
  );
}

/** @returns Why nothing is tried after a failure; undefined if it is. */
export function backingOff(
  { now_ms, failure, isHurried }: Pick<
    CompactionFacts,
    "now_ms" | "failure" | "isHurried"
  >,
): string | undefined {
  if (failure === undefined || isHurried) return undefined;
  const { count, at_ms, isForbidden } = failure;
  const wait_ms = isForbidden
    ? FORBIDDEN_WAIT_MS
    : Math.min(BACK_OFF_MIN_MS * 2 ** (count - 1), BACK_OFF_MAX_MS);
  return now_ms - at_ms < wait_ms ? "a step has failed" : undefined;
}

/**
 * A snapshot that the log does not reach shows that the log lost its tail. Then
 * that snapshot may be all that is left of it.
 */
function beyondTheLog(
  { snapshots, lastSequence }: CompactionFacts,
): string | undefined {
  const beyond = snapshots.find(({ isOfThisLog, info }) =>
    isOfThisLog && info.sequence > lastSequence
  );
  return beyond &&
    `the log has lost entries: it ends at ${lastSequence}, and a snapshot of it at ${beyond.info.sequence}`;
}

/** What is worth doing, the most urgent first. */
function wantedSteps(facts: CompactionFacts): WantedStep[] {
  const { place, isRequested, slowestSequence = Infinity } = facts;
  const ours = facts.snapshots.filter(({ isOfThisLog }) => isOfThisLog);
  const verified = verifiedOf(ours);
  const turn_ms = place.isShared ? facts.rank * OTHERS_WAIT_MS : 0;
  const wanted: WantedStep[] = [];
  const want = (step: WorkStep, wait_ms = turn_ms) =>
    wanted.push({ step, wait_ms });

  const own = ours.find((one) => one.isOwn && isUnsettled(one));
  if (own !== undefined) want({ type: "verify", snapshot: own }, 0);
  const mayWrite = hasRoom(facts);
  if (isRequested && mayWrite) {
    want({ type: "write", reason: "it was asked for" }, 0);
  }
  for (const snapshot of excess(ours, verified, place)) {
    want({ type: "delete", snapshot });
  }
  const trim = wantedTrim(facts, verified);
  if (trim !== undefined) {
    // The log must still have the entry after the one applied last.
    const isNeeded = slowestSequence + 1 < trim.older.info.sequence;
    want(trim, isNeeded ? Math.max(turn_ms, TRIM_WAIT_MS) : turn_ms);
  }
  const newest = ours.at(0);
  const unverified = newest && isUnsettled(newest) ? newest : undefined;
  if (unverified !== undefined && own === undefined) {
    const writer_ms = place.isShared ? VERIFY_WAIT_MS : 0;
    // Whoever asks for one that there is no room for must not wait for others.
    const wait_ms = isRequested ? 0 : turn_ms + writer_ms;
    want({ type: "verify", snapshot: unverified }, wait_ms);
  }
  const due = whyDue(facts, verified);
  if (due !== undefined && !isRequested && mayWrite) {
    // Its writer reads it back now, and another one is not needed then.
    const hold_ms = unverified === undefined ? 0 : UNVERIFIED_WAIT_MS;
    want({ type: "write", reason: due }, turn_ms + hold_ms);
  }
  return wanted;
}

/** Whether it is worth reading back. */
function isUnsettled({ isVerified, isUnreadable }: KnownSnapshot): boolean {
  return !isVerified && !isUnreadable;
}

/** Whether another one may be written: what can't be read back must not pile up. */
function hasRoom({ snapshots }: CompactionFacts): boolean {
  const ours = snapshots.filter(({ isOfThisLog }) => isOfThisLog);
  const verified = ours.findIndex(({ isVerified }) => isVerified);
  return (verified < 0 ? ours.length : verified) < UNVERIFIED_MAX;
}

/**
 * The snapshots that are not needed any more: two that were read back are newer,
 * where the log is cut. One that is not read back, or is read back by another
 * replica at this moment, is not deleted sooner: that replica may count on it.
 * So the second newest of those that were read back never gets older, whoever
 * does what at the same time.
 */
function excess(
  ours: readonly KnownSnapshot[],
  verified: readonly KnownSnapshot[],
  { trims, kept }: CompactionPlace,
): KnownSnapshot[] {
  if (trims) {
    return verified.length < kept
      ? []
      : ours.slice(ours.indexOf(verified[kept - 1]) + 1);
  }
  // Here nothing depends on one snapshot alone, and which ones were read back
  // is not known after a restart.
  return ours.at(0)?.isVerified ? ours.slice(kept) : [];
}

/** The log is cut behind the older of the two that are kept, never further. */
function wantedTrim(
  { place, firstSequence }: CompactionFacts,
  [newer, older]: readonly KnownSnapshot[],
): Extract<WorkStep, { type: "trim" }> | undefined {
  if (!place.trims || older === undefined) return undefined;
  const { sequence } = older.info;
  // Old servers take a purge up to 1 for a purge of everything.
  return sequence > Math.max(1, firstSequence)
    ? { type: "trim", older, newer }
    : undefined;
}

/** Why it is time for a snapshot; undefined if it is not. */
function whyDue(
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
  const age_ms = date_ms - Date.parse(newest?.info.time ?? "1970-01-01");
  if (policy.interval_ms !== undefined && age_ms >= policy.interval_ms) {
    return "the last one is as old as it may be";
  }
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

function hasPaused({ now_ms, lastWrite }: CompactionFacts): boolean {
  return lastWrite === undefined ||
    now_ms - lastWrite.endedAt_ms >= PAUSE_FACTOR * lastWrite.took_ms;
}

/**
 * Whether the log was cut and too few snapshots stand in for what it lost, so
 * that one more damaged snapshot would cost the state.
 */
function lacksSnapshots(
  { firstSequence, place }: CompactionFacts,
  verified: readonly KnownSnapshot[],
): boolean {
  const reaching = verified.filter(({ info }) =>
    info.sequence + 1 >= firstSequence
  );
  return firstSequence > 1 &&
    reaching.length < (place.trims ? KEPT_BESIDE_LOG : 1);
}

/** Whatever led to a step, it must never cost a state. */
function checkStep(step: WorkStep, facts: CompactionFacts): void {
  const { snapshots, lastSequence, place } = facts;
  switch (step.type) {
    case "write":
      return;
    case "verify":
      return mustHold(
        step.snapshot.isOfThisLog && !step.snapshot.isVerified,
        "only snapshots of this log are read back, and once",
      );
    case "delete": {
      const index = snapshots.indexOf(step.snapshot);
      const newer = verifiedOf(snapshots.slice(0, index));
      return mustHold(
        step.snapshot.isOfThisLog &&
          newer.length >= (place.trims ? KEPT_BESIDE_LOG : 1),
        "a snapshot is deleted only once newer ones were read back",
      );
    }
    case "trim": {
      const [newer, older] = verifiedOf(snapshots);
      const { sequence } = step.older.info;
      return mustHold(
        place.trims && step.newer === newer && step.older === older &&
          sequence > 1 && sequence <= newer.info.sequence &&
          newer.info.sequence <= lastSequence,
        "the log is cut only behind two snapshots that were read back",
      );
    }
  }
}

/** A step that would break what compaction promises. */
export class CompactionError extends Error {
  override name = "CompactionError";
}

function mustHold(holds: boolean, rule: string): void {
  if (!holds) throw new CompactionError(`Cannot compact the log: ${rule}`);
}

function none(reason: string, isProblem = false): NoStep {
  return { type: "none", reason, isProblem };
}
