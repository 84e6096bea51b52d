/**
 * What a snapshot costs those who set and get meanwhile.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { OurSide } from "../backup/our_side.ts";
import type { LoadGenerator } from "../http/load.ts";

/** How many connections send sets. */
const CONNECTIONS = 64;

/** How long a side has to end what it still does. */
const PAUSE_MS = 500;

/** What each round measured. */
export interface BesideLoad {
  readonly users: number;
  readonly connections: number;
  /** Sets a second, with nothing beside, and with one snapshot after another. */
  readonly sets_quiet: number[];
  readonly sets_during_snapshots: number[];
  /** How long each of those snapshots took, in seconds. */
  readonly snapshot_s: number[];
  /** The same without sets. */
  readonly snapshot_idle_s: number[];
  /** The 99th percentile of gets, in ms; empty without wrk. */
  readonly get_p99_quiet_ms: number[];
  readonly get_p99_during_backups_ms: number[];
  readonly get_p99_during_snapshots_ms: number[];
}

/** How it is measured. */
export interface BesideLoadOptions {
  readonly users: number;
  readonly rounds: number;
  /** How long sets, and gets, are sent each time. */
  readonly seconds: number;
  readonly generator: LoadGenerator;
  /** For files. */
  readonly folder: string;
}

/** @returns What each round measured. */
export async function measureBesideLoad(
  options: BesideLoadOptions,
): Promise<BesideLoad> {
  const { users, rounds, folder } = options;
  await using side = await OurSide.start(users, folder);
  const found: BesideLoad = {
    users,
    connections: CONNECTIONS,
    sets_quiet: [],
    sets_during_snapshots: [],
    snapshot_s: [],
    snapshot_idle_s: [],
    get_p99_quiet_ms: [],
    get_p99_during_backups_ms: [],
    get_p99_during_snapshots_ms: [],
  };
  const measures = [...setMeasures(side, options, found)];
  measures.push(...getMeasures(side, options, found));
  for (let round = 0; round < rounds; round++) {
    for (
      const measure of round % 2 === 0 ? measures : measures.toReversed()
    ) {
      await measure();
      await sleep(PAUSE_MS);
    }
  }
  return found;
}

type Measures = (() => Promise<unknown>)[];

function setMeasures(
  side: OurSide,
  { users, seconds, generator }: BesideLoadOptions,
  found: BesideLoad,
): Measures {
  const { signal } = new AbortController();
  const sets = async () => {
    const { per_s } = await generator.generate({
      url: side.donor.url("set"),
      kind: "set",
      population: users,
      connections: CONNECTIONS,
      seconds,
    }, signal);
    return per_s;
  };
  return [
    async () => found.sets_quiet.push(await sets()),
    async () =>
      found.sets_during_snapshots.push(
        await beside(sets, async () => {
          found.snapshot_s.push(users / await side.snapshot());
        }),
      ),
    async () => found.snapshot_idle_s.push(users / await side.snapshot()),
  ];
}

function getMeasures(
  side: OurSide,
  { seconds }: BesideLoadOptions,
  found: BesideLoad,
): Measures {
  const measure = async (p99: number[], work: () => Promise<unknown>) => {
    const measured = await beside(() => side.getsP99(seconds), work);
    if (measured !== undefined) p99.push(measured);
  };
  return [
    () => measure(found.get_p99_quiet_ms, () => sleep(PAUSE_MS)),
    () => measure(found.get_p99_during_backups_ms, () => side.backup()),
    () => measure(found.get_p99_during_snapshots_ms, () => side.snapshot()),
  ];
}

/** Measures while some work is done, over and over. */
async function beside<T>(
  measure: () => Promise<T>,
  work: () => Promise<unknown>,
): Promise<T> {
  let isOver = false;
  const working = (async () => {
    while (!isOver) await work();
  })();
  // Its failure is met below.
  working.catch(() => {});
  try {
    return await measure();
  } finally {
    isOver = true;
    await working;
  }
}
