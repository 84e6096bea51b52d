/**
 * Faults of the network between a replica and the broker.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import type { FaultWork, Inject } from "./fault_work.ts";
import type { Fault } from "./faults.ts";
import type { Network } from "./network.ts";
import { outrun } from "./outrun.ts";

/** How long a fault waits for a connection that it can hit. */
const CONNECTION_MAX_MS = 15_000;

/** Cuts all connections. */
export const cut: Inject = async (work, fault) => {
  (await connected(work, fault)).cut();
};

/** Cuts all connections and refuses new ones. */
export const refuse: Inject = async (work, fault) => {
  const network = await connected(work, fault);
  await network.refuse();
  await sleep(fault.for_ms);
  network.accept();
};

/** Lets everything come late. */
export const delay: Inject = async (work, fault) => {
  const network = await connected(work, fault);
  network.weather = { type: "delay", delay_ms: fault.delay_ms };
  await sleep(fault.for_ms);
  network.weather = { type: "fair" };
};

/** Lets nothing pass. */
export const stall: Inject = async (work, fault) => {
  const network = await connected(work, fault);
  network.weather = { type: "stall" };
  await sleep(fault.for_ms);
  network.weather = { type: "fair" };
};

/** Refuses all connections until the log was cut beyond the replica. */
export const outrunCutOff: Inject = async (work, fault) => {
  const slot = work.cluster.slots[fault.replica!];
  await slot.network.refuse();
  await outrun(work, fault, slot, () => slot.network.accept());
};

/** Waits for a connection, and notes whether there is one. */
async function connected(
  { cluster, note }: FaultWork,
  fault: Fault,
): Promise<Network> {
  const { network } = cluster.slots[fault.replica!];
  const isConnected = await eventually(() => {
    if (network.connections === 0) throw new Error("there is no connection");
    return true;
  }, CONNECTION_MAX_MS).catch(() => false);
  note(fault, isConnected);
  return network;
}
