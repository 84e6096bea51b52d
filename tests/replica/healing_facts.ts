/**
 * Facts for healing: replica b has applied 100 entries, the log ends at 80, and
 * all that is needed for a fence is there, but for what a test changes.
 *
 * @module
 */
import type { LogLoss } from "../../src/log/healable_log.ts";
import { HealPoints } from "../../src/replica/heal_points.ts";
import { Seams } from "../../src/replica/seams.ts";
import type {
  HealingFacts,
  HealingSnapshot,
  HealingStep,
  OtherReplica,
  OwnState,
} from "../../src/replica/healing_facts.ts";
import { healingStep } from "../../src/replica/healing.ts";
import { LOG_ID } from "../support/snapshots.ts";

/** How long replicas wait for a fuller one. */
export const HEAL_AFTER_MS = 10_000;

/** The digest of the state at a sequence, of a history. */
export function digestAt(sequence: number, history = 0): string {
  return `${history}`.padStart(4, "a") + `${sequence}`.padStart(12, "0");
}

/** When the log took the entry at a sequence; null for none. */
export function timeAt(sequence: number): string | null {
  return sequence === 0
    ? null
    : new Date(Date.UTC(2026, 10, 24) + sequence).toISOString();
}

/** Heal points at these sequences. */
export function healsAt(...sequences: number[]): HealPoints {
  return sequences.reduce(
    (heals, sequence) => heals.with({ sequence, digest: digestAt(sequence) }),
    HealPoints.NONE,
  );
}

/** This replica. */
export function own(changes: Partial<OwnState> = {}): OwnState {
  const { appliedSequence = 100 } = changes;
  return {
    id: "b",
    logId: LOG_ID,
    appliedSequence,
    time: timeAt(appliedSequence),
    digest: digestAt(appliedSequence),
    heals: HealPoints.NONE,
    seams: Seams.NONE,
    isWhole: true,
    isDiverged: false,
    isForked: false,
    ...changes,
  };
}

/** Another replica that knows of the loss. */
export function other(
  id: string,
  appliedSequence: number,
  changes: Partial<OtherReplica> = {},
): OtherReplica {
  return {
    id,
    session: "0".repeat(32),
    version: "1.3.0",
    state: "healing",
    logId: LOG_ID,
    appliedSequence,
    lastSequence: appliedSequence,
    digest: digestAt(appliedSequence),
    heals: 0,
    healedTo: null,
    seams: undefined,
    heardAgo_ms: 100,
    ...changes,
  };
}

/** A snapshot; verified, unless `changes` says other. */
export function stored(
  sequence: number,
  changes: Partial<HealingSnapshot> = {},
  heals?: HealPoints,
): HealingSnapshot {
  return {
    id: `s${sequence}`,
    info: {
      logId: LOG_ID,
      sequence,
      time: timeAt(sequence),
      rows: 1,
      digest: digestAt(sequence),
      ...(heals?.data && { heals: heals.data }),
    },
    isVerified: true,
    isUnreadable: false,
    ...changes,
  };
}

/** What the log has lost. */
export function loss(changes: Partial<LogLoss> = {}): LogLoss {
  return {
    type: "tail",
    reason: "the log ends at 80",
    firstSequence: 1,
    lastSequence: 80,
    ...changes,
  };
}

/** There is no stream. */
export const GONE = loss({ type: "gone", lastSequence: 0 });

/** A fence that says sequence 100. */
export const FENCED = loss({
  type: "fenced",
  lastSequence: 81,
  fence: {
    sequence: 100,
    digest: digestAt(100),
    at: 81,
    time: "2026-11-24T00:00:01Z",
  },
});

/** The log begins after sequence 100, and is empty. */
export const UNMARKED = loss({
  type: "unmarked",
  firstSequence: 101,
  lastSequence: 100,
});

/** The facts. */
export function facts(changes: Partial<HealingFacts> = {}): HealingFacts {
  return {
    now_ms: HEAL_AFTER_MS,
    own: own(),
    loss: loss(),
    lossSince_ms: 0,
    fenceSince_ms: HEAL_AFTER_MS,
    others: [],
    awaited: [],
    isPresenceOn: true,
    snapshots: [stored(100)],
    healAfter_ms: HEAL_AFTER_MS,
    isOrdered: false,
    problem: undefined,
    ...changes,
  };
}

/** A step in a few words. */
export function say(step: HealingStep): string {
  switch (step.type) {
    case "none":
      return step.why;
    case "write":
    case "move":
    case "mark":
      return `${step.type} ${step.point.sequence}`;
    case "verify":
    case "restore":
      return `${step.type} ${step.snapshot.info.sequence}`;
    case "fence":
      return `fence ${step.point.sequence} after ${step.after}`;
    case "remake":
      return step.type;
  }
}

/** The step that facts lead to, in a few words. */
export function stepOf(changes: Partial<HealingFacts> = {}): string {
  return say(healingStep(facts(changes)));
}
