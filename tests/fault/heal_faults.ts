/**
 * Faults in which the broker loses what replicas have applied, and the replicas
 * heal its log.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { LOG_STREAM } from "./broker_client.ts";
import { type Loss, saveStores } from "./broker_loss.ts";
import type { FaultWork, Inject } from "./fault_work.ts";
import type { Fault } from "./faults.ts";
import { QUIET_MAX_MS, untilEqual } from "./settlement.ts";

/** How long a replica may take to come to a step: it may wait for others. */
const STEP_MAX_MS = 30_000;

/** How long the log may take to grow. */
const GROWTH_MAX_MS = 15_000;

const LOSSES: Partial<Record<Fault["kind"], Loss>> = {
  stores_loss: "stores",
  stream_loss: "stream",
  streams_loss: "stream and bucket",
};

/** Loses something, under load, and waits until the log is whole. */
export const loseMuch: Inject = async (work, fault) => {
  const { cluster, note } = work;
  await prepare(work, fault);
  note(fault, true);
  await cluster.lose(LOSSES[fault.kind] ?? "older copy", true);
  await untilHealed(work);
};

/** Kills whoever heals the log. */
export const strikeHealer: Inject = async (work, fault) => {
  const { cluster, note } = work;
  await loseQuietly(work, fault, async (healer) => {
    const slot = cluster.slots[healer];
    note(fault, await slot.end("SIGKILL"));
    await sleep(fault.for_ms);
    slot.start(fault.warm);
  });
};

/** Kills the broker while its log is healed. */
export const strikeHealedBroker: Inject = async (work, fault) => {
  const { cluster: { brokers: { servers } }, note } = work;
  await loseQuietly(work, fault, async () => {
    note(fault, true);
    await Promise.all(servers.map((server) => server.stop("SIGKILL")));
    await sleep(fault.for_ms);
    await Promise.all(servers.map((server) => server.start()));
  });
};

/** Loses it once more while it is healed. */
export const loseAgain: Inject = async (work, fault) => {
  const { cluster, note } = work;
  await loseQuietly(work, fault, async () => {
    note(fault, true);
    await cluster.loseAgain(lossAt(fault));
  });
};

/**
 * Loses something while nobody sets and all replicas are equal: then whoever is
 * killed has nothing that the others have not.
 *
 * @param strike Called with the number of the replica that is at the step.
 */
async function loseQuietly(
  work: FaultWork,
  fault: Fault,
  strike: (healer: number) => Promise<void>,
): Promise<void> {
  const { cluster, clients } = work;
  const step = fault.step!;
  await prepare(work, fault);
  await clients.rest(async () => {
    await untilEqual(cluster.slots);
    const struck = cluster.healing.next(step, STEP_MAX_MS);
    await cluster.lose(lossAt(fault), false);
    const healer = await struck;
    if (healer === undefined) work.note(fault, false);
    else await strike(Number(healer.slice(1)));
    await cluster.untilHealed();
  });
  await untilReady(work);
}

/** The stream is made again only where it is gone. */
function lossAt({ step, at_ms }: Fault): Loss {
  return step === "remake" || at_ms % 2 === 1 ? "stores" : "older copy";
}

/**
 * Waits until all replicas are up, keeps a copy of what the broker has, and
 * waits until the log has grown.
 */
async function prepare(work: FaultWork, fault: Fault): Promise<void> {
  const { brokers } = work.cluster;
  const look = () => brokers.ask((client) => client.look(LOG_STREAM));
  await untilReady(work);
  await saveStores(brokers);
  const { lastSequence } = await look();
  await sleep(fault.for_ms);
  await eventually(async () => {
    if ((await look()).lastSequence > lastSequence) return;
    throw new Error("the log does not grow");
  }, GROWTH_MAX_MS);
}

async function untilHealed(work: FaultWork): Promise<void> {
  await work.cluster.untilHealed();
  await untilReady(work);
}

async function untilReady({ cluster: { slots } }: FaultWork): Promise<void> {
  await Promise.all(slots.map((slot) => slot.untilReady(QUIET_MAX_MS)));
}
