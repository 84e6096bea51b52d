/**
 * What can be simulated.
 *
 * @module
 */
import { HealStorm } from "./heal_storm.ts";
import type { Seen } from "./seeds.ts";
import { SnapshotStorm } from "./snapshot_storm.ts";
import { Storm } from "./storm.ts";

/** Runs one seed of each simulation, by its name. */
export const STORMS: Readonly<Record<string, (seed: number) => Promise<Seen>>> =
  {
    session: (seed) => new Storm(seed).run(),
    snapshots: (seed) => new SnapshotStorm(seed).run(),
    healing: (seed) => new HealStorm(seed).run(),
  };
