/**
 * Faults of replicas' processes.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../support/random.ts";
import type { Inject } from "./fault_work.ts";
import { untilMoment } from "./moment.ts";
import { outrun } from "./outrun.ts";

/** Ends one, and starts it again. */
export const endReplica: Inject = async ({ cluster, note }, fault) => {
  const slot = cluster.slots[fault.replica!];
  const signal = fault.kind === "replica_kill" ? "SIGKILL" : "SIGTERM";
  note(fault, await slot.end(signal));
  await sleep(fault.for_ms);
  slot.start(fault.warm);
};

/** Stops one in its tracks. */
export const pauseReplica: Inject = async ({ cluster, note }, fault) => {
  const slot = cluster.slots[fault.replica!];
  note(fault, slot.signal("SIGSTOP"));
  await sleep(fault.for_ms);
  slot.signal("SIGCONT");
};

/** Kills one while it is at work on a snapshot. */
export const strikeReplica: Inject = async (work, fault) => {
  const slot = work.cluster.slots[fault.replica!];
  const seen = await untilMoment(work, fault, slot, `r${slot.index}`);
  if (seen === undefined) return;
  await sleep(fault.delay_ms);
  work.note(fault, await slot.end("SIGKILL"));
  await sleep(fault.for_ms);
  slot.start(false);
};

/** Kills all; nothing is left but the log and the snapshots. */
export const killReplicas: Inject = async ({ cluster, note }, fault) => {
  const { slots, bucket } = cluster;
  const ended = await Promise.all(slots.map((slot) => slot.end("SIGKILL")));
  const isDamaged = fault.damages &&
    await bucket.damageNewest(new Random(fault.at_ms));
  note(fault, ended.every(Boolean) && isDamaged === fault.damages);
  await sleep(fault.for_ms);
  for (const slot of slots) slot.start(false);
};

/** Stops one in its tracks until the log was cut beyond it. */
export const outrunPaused: Inject = async (work, fault) => {
  const slot = work.cluster.slots[fault.replica!];
  slot.signal("SIGSTOP");
  // Else entries go on coming, as many as the system keeps for it.
  await slot.network.refuse();
  await outrun(work, fault, slot, () => {
    slot.network.accept();
    slot.signal("SIGCONT");
  });
};
