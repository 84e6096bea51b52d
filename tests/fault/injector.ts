/**
 * Does what the schedule says.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import type { FaultCluster } from "./fault_cluster.ts";
import { type Fault, targetOf } from "./schedule.ts";
import type { TcpProxy } from "./tcp_proxy.ts";

/** How long a fault of the network waits for a connection that it can hit. */
const CONNECTION_MAX_MS = 15_000;

/**
 * Injects faults when their time comes, and heals each. Where a target takes
 * longer than the schedule gave it, its next fault waits for it.
 *
 * @param cluster What they are injected into.
 * @param faults The schedule.
 * @param onFault Told of each fault that hit something, when it begins.
 */
export async function injectAll(
  cluster: FaultCluster,
  faults: readonly Fault[],
  onFault: (fault: Fault) => void,
): Promise<void> {
  const start = performance.now();
  const busy = new Map<string, Promise<void>>();
  const failures: unknown[] = [];
  for (const fault of faults) {
    await sleep(start + fault.at_ms - performance.now());
    if (failures.length > 0) break;
    const target = targetOf(fault);
    const done = (busy.get(target) ?? Promise.resolve())
      .then(() => inject(cluster, fault, onFault))
      .catch((error) => void failures.push(error));
    busy.set(target, done);
  }
  await Promise.all(busy.values());
  if (failures.length > 0) throw failures[0];
}

async function inject(
  { broker, slots }: FaultCluster,
  fault: Fault,
  onFault: (fault: Fault) => void,
): Promise<void> {
  const { kind, for_ms } = fault;
  const slot = slots[fault.replica ?? 0];
  const { proxy } = slot;
  const note = (hit: boolean) => {
    if (hit) onFault(fault);
  };
  const noteNetwork = async () => note(await isConnected(proxy));
  switch (kind) {
    case "replica_kill":
    case "replica_term":
      note(await slot.end(kind === "replica_kill" ? "SIGKILL" : "SIGTERM"));
      await sleep(for_ms);
      return slot.start(fault.warm);
    case "replica_pause":
      note(slot.signal("SIGSTOP"));
      await sleep(for_ms);
      slot.signal("SIGCONT");
      return;
    case "broker_kill":
    case "broker_absence":
      note(true);
      await broker.stop("SIGKILL");
      await sleep(for_ms);
      return broker.start();
    case "broker_pause":
      note(true);
      broker.signal("SIGSTOP");
      await sleep(for_ms);
      return broker.signal("SIGCONT");
    case "cut":
      await noteNetwork();
      return proxy.cut();
    case "refuse":
      await noteNetwork();
      await proxy.refuse();
      await sleep(for_ms);
      return proxy.accept();
    case "delay":
    case "stall":
      await noteNetwork();
      proxy.weather = kind === "stall"
        ? { type: "stall" }
        : { type: "delay", delay_ms: fault.delay_ms };
      await sleep(for_ms);
      proxy.weather = { type: "fair" };
  }
}

/** Waits for a connection; returns whether there is one. */
async function isConnected(proxy: TcpProxy): Promise<boolean> {
  return await eventually(() => {
    if (proxy.connections === 0) throw new Error("there is no connection");
    return true;
  }, CONNECTION_MAX_MS).catch(() => false);
}
