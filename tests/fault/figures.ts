/**
 * What a run did, in numbers.
 *
 * @module
 */
import type { Violation } from "./checker.ts";
import { type History, MARKER } from "./history.ts";
import type { LogModel } from "./log_model.ts";
import type { LossTimes, Times } from "./loss_times.ts";
import type { LineCounts } from "./replica_lines.ts";
import {
  type Fault,
  FAULT_KINDS,
  type FaultKind,
  type Moment,
  MOMENTS,
} from "./faults.ts";

/** A run's figures. */
export interface Figures {
  /** The faults of the schedule, by kind. */
  readonly scheduled: Readonly<Partial<Record<FaultKind, number>>>;
  /** Those that hit something. */
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly acknowledged: number;
  /** How many of these are deletions of a user who was there. */
  readonly deleted: number;
  /** Acknowledged changes that the log does not have where it was said. */
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
  /** How many events watchers were told. */
  readonly watched: number;
  /** How often a watch began or went on. */
  readonly streams: number;
  /** How often a watcher had to begin with a backup, since all have forgotten. */
  readonly watchesFromBackup: number;
  /** Replicas that filled themselves from a peer's backup. */
  readonly warmStarts: number;
  readonly violations: number;
  /** Undefined for a run without snapshots. */
  readonly snapshots: SnapshotFigures | undefined;
  /** How often the log was made whole; undefined for a run without losses. */
  readonly healings: number | undefined;
  /** The same where nothing was lost; undefined for a run with losses. */
  readonly falseAlarms: FalseAlarms | undefined;
  /** From each loss until the log was whole, and until all took sets again. */
  readonly untilWhole?: Times;
  readonly untilSets?: Times;
}

/** What replicas took for a loss that was none. */
export interface FalseAlarms {
  /** How often a replica said that the log has lost entries. */
  readonly told: number;
  /** How often one began to write a fence or a mark. */
  readonly healed: number;
}

/** What a run did with snapshots. */
export interface SnapshotFigures
  extends Omit<LineCounts, "peerStarts" | "lossesTold"> {
  /** Strikes that hit, by their moment. */
  readonly strikes: Readonly<Record<Moment, number>>;
  /** Snapshots that were asked for, and made. */
  readonly requested: number;
  /** The most bytes that the log had. */
  readonly logBytesMax: number;
}

/** What a run must have done at least for its outcome to mean something. */
export const LEAST = {
  faultsOfEachKind: 1,
  acknowledged: 300,
  deleted: 3,
  watched: 300,
  /** Those that the three watchers begin with, and one that goes on elsewhere. */
  streams: 4,
  refused: 1,
  unknown: 1,
  gets: 300,
  warmStarts: 1,
} as const;

/** How many faults of a kind may all miss, in a run with snapshots or losses. */
export const MISSES_MAX = 4;

/** The same for a run with snapshots. */
export const LEAST_SNAPSHOTS = {
  written: 6,
  readBack: 6,
  cuts: 2,
  bucketStarts: 2,
  requested: 2,
} as const;

/**
 * What a run with losses must have done: each takes the whole
 * cluster for a while.
 */
export const LEAST_LOSSES = {
  acknowledged: 100,
  deleted: 3,
  watched: 100,
  gets: 100,
  healings: 1,
};

/** What a run is reckoned from. */
export interface Run {
  readonly history: History;
  readonly log: LogModel;
  /** The faults of the schedule, and those that hit something. */
  readonly scheduled: readonly Fault[];
  readonly injected: readonly Fault[];
  readonly violations: readonly Violation[];
  readonly lines: LineCounts;
  /** The most bytes that the log had; undefined for a run without snapshots. */
  readonly logBytesMax: number | undefined;
  /** Undefined for a run without losses. */
  readonly losses: LossTimes | undefined;
  /** How often a replica began to write a fence or a mark, with losses or not. */
  readonly fences: number;
  readonly watchers: { readonly streams: number; readonly backups: number };
}

function countKinds(faults: readonly Fault[]): Figures["faults"] {
  return Object.fromEntries(
    FAULT_KINDS.map((kind) =>
      [kind, faults.filter((fault) => fault.kind === kind).length] as const
    ).filter(([, count]) => count > 0),
  );
}

/** What clients did, which is more the longer they are let. */
type Done = Pick<Figures, "acknowledged" | "deleted" | "gets" | "watched">;

function countDone({ changes, gets, watches }: History): Done {
  const acknowledged = changes.map(({ outcome }) => outcome)
    .filter((outcome) => outcome.type === "acknowledged");
  return {
    acknowledged: acknowledged.length,
    deleted: acknowledged
      .filter(({ left }) => "deleted" in left && left.existed).length,
    gets: gets.length,
    watched: watches.flatMap(({ entries }) => entries)
      .reduce((sum, { events }) => sum + events.length, 0),
  };
}

/** @returns Whether clients have done what they must do at least in a run. */
export function haveDoneEnough(history: History, hasLosses: boolean): boolean {
  const done = countDone(history);
  const least = hasLosses ? LEAST_LOSSES : LEAST;
  return (Object.keys(done) as (keyof Done)[])
    .every((name) => done[name] >= least[name]);
}

/** Counts. */
export function reckon(run: Run): Figures {
  const { history, log, violations } = run;
  const { changes } = history;
  const { peerStarts, lossesTold, ...lines } = run.lines;
  const of = (type: string) =>
    changes.filter(({ outcome }) => outcome.type === type);
  return {
    scheduled: countKinds(run.scheduled),
    faults: countKinds(run.injected),
    ...countDone(history),
    lost:
      violations.filter(({ promise }) =>
        promise === "acknowledged changes are stored"
      ).length,
    refused: of("refused").length,
    unknown: of("unknown").length,
    unknownStored:
      of("unknown").filter(({ change }) => log.placed.has(change[MARKER]))
        .length,
    entries: log.lastSequence,
    streams: run.watchers.streams,
    watchesFromBackup: run.watchers.backups,
    warmStarts: peerStarts,
    violations: violations.length,
    healings: run.losses?.healings,
    falseAlarms: run.losses === undefined
      ? { told: lossesTold, healed: run.fences }
      : undefined,
    ...(run.losses && {
      untilWhole: run.losses.untilWhole,
      untilSets: run.losses.untilSets(changes),
    }),
    snapshots: run.logBytesMax === undefined ? undefined : {
      ...lines,
      strikes: Object.fromEntries(
        MOMENTS.map((moment) => [
          moment,
          run.injected.filter((fault) => fault.moment === moment).length,
        ]),
      ) as Record<Moment, number>,
      requested: run.history.snapshots.length,
      logBytesMax: run.logBytesMax,
    },
  };
}

/**
 * @returns What a run did too little of, so that it proves nothing; empty if
 * it did enough.
 */
export function shortfalls(figures: Figures): string[] {
  const short: string[] = [];
  // One alone may miss, and those that wait for a moment.
  const { snapshots, healings } = figures;
  const isPlain = snapshots === undefined && healings === undefined;
  const misses = isPlain ? 1 : MISSES_MAX;
  for (const kind of FAULT_KINDS) {
    if ((figures.scheduled[kind] ?? 0) <= misses) continue;
    const count = figures.faults[kind] ?? 0;
    if (count < LEAST.faultsOfEachKind) short.push(`${count} faults ${kind}`);
  }
  const compare = <Name extends string>(
    had: Readonly<Record<NoInfer<Name>, number>>,
    least: Readonly<Record<Name, number>>,
  ) => {
    for (const name of Object.keys(least) as Name[]) {
      if (had[name] >= least[name]) continue;
      short.push(
        `${name}: ${had[name]}, and at least ${least[name]} are needed`,
      );
    }
  };
  if (healings !== undefined) {
    compare({ ...figures, healings }, LEAST_LOSSES);
    return short;
  }
  const { faultsOfEachKind: _, ...least } = LEAST;
  compare(figures, least);
  if (snapshots !== undefined) compare(snapshots, LEAST_SNAPSHOTS);
  return short;
}
