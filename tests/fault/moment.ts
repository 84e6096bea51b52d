/**
 * Waiting for the moment of a fault.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { FaultWork } from "./fault_work.ts";
import type { Fault } from "./faults.ts";
import type { ReplicaSlot } from "./replica_slot.ts";
import type { Sighting } from "./snapshot_watch.ts";

/** How long a fault waits for its moment. */
const MOMENT_MAX_MS = 10_000;

/** How long until a replica is asked for a snapshot again. */
const ASK_AGAIN_MS = 50;

/**
 * Lets a replica make a snapshot, and waits for a moment of that.
 *
 * @param slot The replica.
 * @param writer Whose snapshot it must be; undefined for anyone's.
 * @returns What was seen; undefined if nothing was in time.
 */
export async function untilMoment(
  { cluster, requests }: FaultWork,
  { moment }: Fault,
  slot: ReplicaSlot,
  writer?: string,
): Promise<Sighting | undefined> {
  const seen = cluster.watch.next(moment!, writer, MOMENT_MAX_MS);
  // Until one is under way: a replica that starts can't make any.
  let isOver = false;
  const asking = async () => {
    while (!isOver) {
      await requests.ask(slot);
      await sleep(ASK_AGAIN_MS);
    }
  };
  asking();
  try {
    return await seen;
  } finally {
    isOver = true;
  }
}
