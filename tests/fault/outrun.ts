/**
 * Outrunning a replica: the log is cut beyond it while it does not follow.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { LOG_STREAM } from "./broker_client.ts";
import type { Brokers } from "./brokers.ts";
import type { FaultWork } from "./fault_work.ts";
import type { Fault } from "./faults.ts";
import type { ReplicaSlot } from "./replica_slot.ts";

/**
 * How long that may take: the others take over from the first replica only when
 * it was not heard for 10 s.
 */
const OUTRUN_MAX_MS = 25_000;

/** How long the replica may take until it has gone on from a snapshot. */
const REJOIN_MAX_MS = 60_000;

/** How often the log is looked at. */
const LOOK_MS = 100;

/**
 * Waits until a log was cut beyond a replica that does not follow it.
 *
 * @param heal Lets the replica follow again.
 */
export async function outrun(
  { cluster: { brokers }, note }: FaultWork,
  fault: Fault,
  slot: ReplicaSlot,
  heal: () => void,
): Promise<void> {
  const isOutrun = await untilCut(brokers);
  note(fault, isOutrun);
  heal();
  // Then it has time to go on in its process.
  if (isOutrun) await slot.untilReady(REJOIN_MAX_MS);
}

/** @returns Whether the log was cut beyond its end of now. */
async function untilCut(brokers: Brokers): Promise<boolean> {
  const look = () => brokers.ask((client) => client.look(LOG_STREAM));
  const end_ms = performance.now() + OUTRUN_MAX_MS;
  const { lastSequence } = await look();
  while (performance.now() < end_ms) {
    if ((await look()).firstSequence > lastSequence + 1) return true;
    await sleep(LOOK_MS);
  }
  return false;
}
