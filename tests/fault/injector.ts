/**
 * Does what the schedule says.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { hitBroker, strikeBroker } from "./broker_faults.ts";
import type { FaultWork, Inject } from "./fault_work.ts";
import { type Fault, type FaultKind, respiteOf, targetsOf } from "./faults.ts";
import {
  loseAgain,
  loseMuch,
  strikeHealedBroker,
  strikeHealer,
} from "./heal_faults.ts";
import { cut, delay, outrunCutOff, refuse, stall } from "./network_faults.ts";
import {
  endReplica,
  killReplicas,
  outrunPaused,
  pauseReplica,
  strikeReplica,
} from "./replica_faults.ts";
import { damageNewest, damageUpload } from "./snapshot_faults.ts";
import {
  stepDownConsumers,
  stepDownMeta,
  stepDownStreams,
} from "./step_downs.ts";

const INJECT: Readonly<Record<FaultKind, Inject>> = {
  replica_kill: endReplica,
  replica_term: endReplica,
  replica_pause: pauseReplica,
  replica_strike: strikeReplica,
  replicas_kill: killReplicas,
  broker_kill: hitBroker,
  broker_absence: hitBroker,
  broker_pause: hitBroker,
  broker_strike: strikeBroker,
  cut,
  refuse,
  delay,
  stall,
  stream_step_down: stepDownStreams,
  consumer_step_down: stepDownConsumers,
  meta_step_down: stepDownMeta,
  outrun_paused: outrunPaused,
  outrun_cut_off: outrunCutOff,
  snapshot_damage: damageNewest,
  upload_damage: damageUpload,
  older_copy: loseMuch,
  stores_loss: loseMuch,
  stream_loss: loseMuch,
  streams_loss: loseMuch,
  healer_strike: strikeHealer,
  healed_broker_strike: strikeHealedBroker,
  loss_again: loseAgain,
};

/**
 * Injects faults when their time comes, and heals each. Where a target takes
 * longer than the schedule gave it, its next fault waits for it.
 *
 * @param work What they are injected into.
 * @param faults The schedule.
 * @param until_ms After how long no fault begins any more, however many are
 * still to come: on a slow machine each takes longer.
 */
export async function injectAll(
  work: FaultWork,
  faults: readonly Fault[],
  until_ms: number,
): Promise<void> {
  const start = performance.now();
  /** What each target is busy with. */
  const busy = new Map<string, Promise<void>>();
  const failures: unknown[] = [];
  const inject = async (fault: Fault) => {
    if (performance.now() > start + until_ms) return;
    await INJECT[fault.kind](work, fault);
    await sleep(respiteOf(fault));
  };
  for (const fault of faults) {
    await sleep(start + fault.at_ms - performance.now());
    if (failures.length > 0) break;
    const targets = targetsOf(fault, work.cluster.slots.length);
    const done = Promise.all(targets.map((target) => busy.get(target)))
      .then(() => inject(fault))
      .catch((error) => void failures.push(error));
    for (const target of targets) busy.set(target, done);
  }
  await Promise.all(busy.values());
  if (failures.length > 0) throw failures[0];
}
