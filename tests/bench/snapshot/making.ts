/**
 * A snapshot at the broker beside a plain backup, and a start from it beside
 * one from a peer.
 *
 * @module
 */
import { OurSide } from "../backup/our_side.ts";

/** What each round measured: rows a second, and MB. */
export interface Making {
  readonly users: number;
  /** Downloaded over HTTP. */
  readonly backup: number[];
  /** Written to the broker and read back. */
  readonly snapshot: number[];
  /** From the start of a process to ready, out of a peer. */
  readonly warm_start: number[];
  readonly warm_start_peak_mb: number[];
  /** The same, out of the snapshot, while no other replica was alive. */
  readonly cold_start: number[];
  readonly cold_start_peak_mb: number[];
}

/**
 * @param users How many users there are.
 * @param rounds How often each is measured, in turn.
 * @param folder For files.
 */
export async function measureMaking(
  users: number,
  rounds: number,
  folder: string,
): Promise<Making> {
  await using side = await OurSide.start(users, folder);
  const making: Making = {
    users,
    backup: [],
    snapshot: [],
    warm_start: [],
    warm_start_peak_mb: [],
    cold_start: [],
    cold_start_peak_mb: [],
  };
  const make = [
    async () => making.backup.push(await side.backup()),
    async () => making.snapshot.push(await side.snapshot()),
  ];
  const start = [
    async () => {
      const { rowsPerSecond, peak_mb } = await side.warmStart(false);
      making.warm_start.push(rowsPerSecond);
      making.warm_start_peak_mb.push(peak_mb);
    },
    async () => {
      const { rowsPerSecond, peak_mb } = await side.coldStart();
      making.cold_start.push(rowsPerSecond);
      making.cold_start_peak_mb.push(peak_mb);
    },
  ];
  for (let round = 0; round < rounds; round++) {
    // Turned round every other time, so that no side always comes first.
    for (const sides of [make, start]) {
      for (const measure of round % 2 === 0 ? sides : sides.toReversed()) {
        await measure();
      }
    }
  }
  return making;
}
