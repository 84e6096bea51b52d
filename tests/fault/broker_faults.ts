/**
 * Faults of the broker's servers.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { LOG_STREAM } from "./broker_client.ts";
import type { FaultWork, Inject } from "./fault_work.ts";
import type { Fault } from "./faults.ts";
import { untilMoment } from "./moment.ts";
import type { ReplicaSlot } from "./replica_slot.ts";
import { BUCKET_STREAM } from "./snapshot_bucket.ts";

/** Kills a server, or stops it in its tracks. */
export const hitBroker: Inject = (work, fault) => hit(work, fault, LOG_STREAM);

/** Kills a server while a replica is at work on a snapshot. */
export const strikeBroker: Inject = async (work, fault) => {
  const seen = await untilMoment(work, fault, await firstSlot(work));
  if (seen === undefined) return;
  await sleep(fault.delay_ms);
  await hit(work, fault, fault.moment === "cut" ? LOG_STREAM : BUCKET_STREAM);
};

async function hit(
  { cluster: { brokers }, note }: FaultWork,
  fault: Fault,
  stream: string,
): Promise<void> {
  const number = await brokers.find(fault.server, stream);
  const server = brokers.servers[number];
  note(fault, true);
  if (fault.kind === "broker_pause") {
    server.signal("SIGSTOP");
    await sleep(fault.for_ms);
    server.signal("SIGCONT");
  } else {
    await server.stop("SIGKILL");
    await sleep(fault.for_ms);
    await server.start();
  }
  await brokers.untilWhole(number);
}

/** The first replica that is up: it deletes snapshots and cuts the log. */
export async function firstSlot(
  { cluster: { slots } }: FaultWork,
): Promise<ReplicaSlot> {
  return await eventually(() => {
    const slot = slots.find(({ service }) => service);
    if (slot === undefined) throw new Error("no replica is up");
    return slot;
  });
}
