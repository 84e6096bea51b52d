/**
 * Damage of snapshots in the bucket.
 *
 * @module
 */
import { Random } from "../support/random.ts";
import { firstSlot } from "./broker_faults.ts";
import type { Inject } from "./fault_work.ts";
import { untilMoment } from "./moment.ts";

/** Damages the newest one. */
export const damageNewest: Inject = async ({ cluster, note }, fault) => {
  note(fault, await cluster.bucket.damageNewest(new Random(fault.at_ms)));
};

/** Damages one that was just written, before it is read back. */
export const damageUpload: Inject = async (work, fault) => {
  const seen = await untilMoment(work, fault, await firstSlot(work));
  if (seen === undefined) return;
  const { bucket } = work.cluster;
  work.note(
    fault,
    await bucket.damageNew(seen.chunkId!, new Random(fault.at_ms)),
  );
};
