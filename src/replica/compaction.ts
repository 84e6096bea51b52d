/**
 * When a snapshot is made, by which replica, and what is deleted and trimmed
 * after it. It does no I/O: facts and the time in, the next step out.
 *
 * @module
 */
import { checkStep } from "./compaction_check.ts";
import { reachesLog, whyDue } from "./compaction_due.ts";
import {
  type CompactionFacts,
  type CompactionPlace,
  type KnownSnapshot,
  type NoStep,
  type Step,
  verifiedOf,
  type WorkStep,
} from "./compaction_facts.ts";

/** How long a replica waits for each ready replica that comes before it. */
export const OTHERS_WAIT_MS = 60_000;

/** How long the writer of a snapshot, if it is another replica, has to verify it. */
export const VERIFY_WAIT_MS = 60_000;

/** How long a snapshot that no one verifies holds back the next one. */
export const UNVERIFIED_WAIT_MS = 300_000;

/** How long a trim waits for replicas that are catching up. */
export const TRIM_WAIT_MS = 60_000;

/** The shortest and the longest wait after a failure. */
export const BACK_OFF_MIN_MS = 10_000;
export const BACK_OFF_MAX_MS = 600_000;

/** How long to wait before a store that may not be used is tried again. */
export const FORBIDDEN_WAIT_MS = 300_000;

/** The most unverified snapshots that are newer than the newest verified one. */
const UNVERIFIED_MAX = 3;

/** A step worth doing, and how long other replicas go first. */
interface WantedStep {
  readonly step: WorkStep;
  readonly wait_ms: number;
  /** Knows it again when it is still wanted later. */
  readonly key: string;
}

/** @returns The next step. */
export function nextStep(facts: CompactionFacts): Step {
  const reason = facts.blocked ?? backingOff(facts);
  if (reason !== undefined) return none(reason);
  const beyond = beyondTheLog(facts);
  if (beyond !== undefined) return none(beyond, true);
  const wanted = wantedSteps(facts);
  const next = wanted.find(({ key, wait_ms }) =>
    facts.now_ms - (facts.wantedSince.get(key) ?? facts.now_ms) >= wait_ms
  );
  if (next !== undefined) {
    checkStep(next.step, facts);
    return next.step;
  }
  if (wanted.length > 0) return none("others have their turn first");
  if (facts.place.trims && facts.cutProblem !== undefined) {
    return none(facts.cutProblem, true);
  }
  return hasRoom(facts)
    ? { ...none("nothing is to be done"), isDone: true }
    : none(`${UNVERIFIED_MAX} snapshots could not be read back`, true);
}

/**
 * Notes what is wanted. Call it with all facts that are seen.
 *
 * @returns Since when each step has been wanted, of those wanted now.
 */
export function noteWanted(facts: CompactionFacts): Map<string, number> {
  const isIdle = facts.blocked !== undefined ||
    beyondTheLog(facts) !== undefined;
  return new Map(
    (isIdle ? [] : wantedSteps(facts)).map((
      { key },
    ) => [key, facts.wantedSince.get(key) ?? facts.now_ms]),
  );
}

/**
 * Names a step, so that it is known again when it is still wanted later. A trim
 * is the same one, however far it would cut meanwhile: else a replica that
 * never catches up would put it off with each new snapshot.
 */
function stepKey(
  step: WorkStep,
  { firstSequence }: Pick<CompactionFacts, "firstSequence">,
): string {
  switch (step.type) {
    case "write":
      return "write";
    case "trim":
      return `trim from ${firstSequence}`;
    default:
      return `${step.type} ${step.snapshot.id}`;
  }
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
  const want = (step: WorkStep, wait_ms = turn_ms, wantedFor = step) =>
    wanted.push({ step, wait_ms, key: stepKey(wantedFor, facts) });

  const own = ours.find((one) => one.isOwn && isUnsettled(one));
  if (own !== undefined) want({ type: "verify", snapshot: own }, 0);
  const mayWrite = hasRoom(facts);
  const wantRequested = () => {
    if (!isRequested || !mayWrite) return;
    want({ type: "write", reason: "it was asked for" }, 0);
  };
  // What is asked for may be asked for without end: it comes after what keeps
  // store and log small, unless that fails.
  if (facts.failure !== undefined) wantRequested();
  const needless = excess(ours, verified, place);
  const trim = wantedTrim(facts, verified);
  const older = place.kept > 1 ? verified.at(1) : undefined;
  // What it stands in for is let go only after that.
  const afterReading = (step: WorkStep): WorkStep =>
    older?.isReadAgain === false ? { type: "verify", snapshot: older } : step;
  for (const snapshot of needless) {
    const step: WorkStep = { type: "delete", snapshot };
    want(afterReading(step), turn_ms, step);
  }
  if (trim !== undefined) {
    // The log must still have the entry after the one applied last.
    const isNeeded = slowestSequence + 1 < trim.older.info.sequence;
    const wait_ms = isNeeded ? Math.max(turn_ms, TRIM_WAIT_MS) : turn_ms;
    want(afterReading(trim), wait_ms, trim);
  }
  if (facts.failure === undefined) wantRequested();
  const whole = verified.length > 0 ? ours.indexOf(verified[0]) : ours.length;
  const unverified = ours.slice(0, whole).find(isUnsettled);
  if (unverified !== undefined && own === undefined) {
    const writer_ms = place.isShared ? VERIFY_WAIT_MS : 0;
    // An operator waits for one that has no room until this one is read back.
    const wait_ms = isRequested ? 0 : turn_ms + writer_ms;
    want({ type: "verify", snapshot: unverified }, wait_ms);
  }
  const due = whyDue(facts, verified);
  if (due !== undefined && !isRequested && mayWrite) {
    // Its writer reads it back now, and another one is not needed then.
    const isComing = unverified !== undefined && unverified === ours[0] &&
      reachesLog(unverified, facts);
    const hold_ms = isComing ? UNVERIFIED_WAIT_MS : 0;
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
 * The snapshots that are not needed any more: as many as are kept were read back
 * and are newer. The second newest of those is read back once more before any is
 * deleted, because it may have been damaged since. A snapshot that was not read
 * back, or that another replica reads back at this moment, is not deleted sooner:
 * that replica may count on it. So the second newest of those that were read back
 * never gets older, whatever replicas do at the same time.
 */
function excess(
  ours: readonly KnownSnapshot[],
  verified: readonly KnownSnapshot[],
  { kept }: CompactionPlace,
): KnownSnapshot[] {
  return verified.length < kept
    ? []
    : ours.slice(ours.indexOf(verified[kept - 1]) + 1);
}

/** The log is cut behind the older of the two that are kept, never further. */
function wantedTrim(
  { place, firstSequence, cutProblem }: CompactionFacts,
  [newer, older]: readonly KnownSnapshot[],
): Extract<WorkStep, { type: "trim" }> | undefined {
  if (!place.trims || cutProblem !== undefined) return undefined;
  if (older === undefined) return undefined;
  const { sequence } = older.info;
  // Old servers take a purge up to 1 for a purge of everything.
  return sequence > Math.max(1, firstSequence)
    ? { type: "trim", older, newer }
    : undefined;
}

function none(reason: string, isProblem = false): NoStep {
  return { type: "none", reason, isProblem };
}
