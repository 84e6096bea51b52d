/**
 * What a run did, in numbers.
 *
 * @module
 */
import type { Violation } from "./checker.ts";
import { type History, MARKER } from "./history.ts";
import type { LogModel } from "./log_model.ts";
import { type Fault, FAULT_KINDS, type FaultKind } from "./schedule.ts";

/** A run's figures. */
export interface Figures {
  /** Faults that hit something, by kind. */
  readonly faults: Readonly<Record<FaultKind, number>>;
  readonly acknowledged: number;
  /** Acknowledged sets that the log does not have where it was said. */
  readonly lost: number;
  /** 503. */
  readonly refused: number;
  /** 504, or no answer. */
  readonly unknown: number;
  /** How many of the unknown are in the log. */
  readonly unknownStored: number;
  /** Gets that were answered with a record or 404. */
  readonly gets: number;
  readonly entries: number;
  /** Replicas that filled themselves from a peer's backup. */
  readonly warmStarts: number;
  readonly violations: number;
}

/** What a run must have done at least for its outcome to mean something. */
export const LEAST = {
  faultsOfEachKind: 1,
  acknowledged: 300,
  refused: 1,
  unknown: 1,
  gets: 300,
  warmStarts: 1,
} as const;

/** Counts. */
export function reckon(
  { sets, gets }: History,
  log: LogModel,
  injected: readonly Fault[],
  violations: readonly Violation[],
  warmStarts: number,
): Figures {
  const of = (type: string) =>
    sets.filter(({ outcome }) => outcome.type === type);
  return {
    faults: Object.fromEntries(
      FAULT_KINDS.map((kind) => [
        kind,
        injected.filter((fault) => fault.kind === kind).length,
      ]),
    ) as Record<FaultKind, number>,
    acknowledged: of("acknowledged").length,
    lost:
      violations.filter(({ promise }) =>
        promise === "acknowledged sets are stored"
      ).length,
    refused: of("refused").length,
    unknown: of("unknown").length,
    unknownStored:
      of("unknown").filter(({ patch }) => log.placed.has(patch[MARKER])).length,
    gets: gets.length,
    entries: log.lastSequence,
    warmStarts,
    violations: violations.length,
  };
}

/**
 * @returns What a run did too little of, so that it proves nothing; empty if
 * it did enough.
 */
export function shortfalls(figures: Figures): string[] {
  const short: string[] = [];
  for (const [kind, count] of Object.entries(figures.faults)) {
    if (count < LEAST.faultsOfEachKind) short.push(`${count} faults ${kind}`);
  }
  for (
    const name of [
      "acknowledged",
      "refused",
      "unknown",
      "gets",
      "warmStarts",
    ] as const
  ) {
    if (figures[name] < LEAST[name]) {
      short.push(
        `${name}: ${figures[name]}, and at least ${LEAST[name]} are needed`,
      );
    }
  }
  return short;
}
