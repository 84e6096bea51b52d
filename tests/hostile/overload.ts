/**
 * More sets than can be committed.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { NatsServer } from "../support/nats_server.ts";
import { residentMb } from "../support/process_usage.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { SlowRelay } from "../support/slow_relay.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import type { Order, Outcome } from "./open_loop_worker.ts";

/** How far away the broker is: an entry at a time takes as long. */
const BROKER_DELAY_MS = 250;

/** Enough to fill every batch, and not the queue. */
const CAPACITY_CONNECTIONS = 3_000;

/** More than there is room for: in the batch under way and in the queue. */
const OVERLOAD_CONNECTIONS = 6_500;

/** What an overload did. */
export interface Overload {
  /** Sets a second that commit, before, during and after. */
  readonly before: number;
  readonly during: Outcome;
  readonly after: number;
  /** The process' memory in MB, before, at most, and after. */
  readonly resident_mb: {
    readonly before: number;
    readonly most: number;
    readonly after: number;
  };
}

/**
 * Finds how many sets a replica with a slow broker commits, sends twice as
 * many, and looks again.
 *
 * @param capacity_ms How long each measurement of the capacity takes.
 * @param overload_ms How long the overload goes on.
 * @param rest_ms How long the service may rest before its memory is looked at.
 */
export async function overload(
  capacity_ms: number,
  overload_ms: number,
  rest_ms = 0,
): Promise<Overload> {
  await using broker = await NatsServer.start();
  using relay = new SlowRelay(broker.port, BROKER_DELAY_MS);
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    env: { NATS_URL: relay.url, REPLICA_ID: "r" },
  });
  const url = service.url("set");
  const capacity = async () =>
    (await sent({
      url,
      connections: CAPACITY_CONNECTIONS,
      rate: Infinity,
      duration_ms: capacity_ms,
    })).acknowledged_per_s;
  const before = await capacity();
  const resident = residentMb(service.pid);
  let most = resident;
  const watch = setInterval(() => {
    most = Math.max(most, residentMb(service.pid));
  }, 500);
  let during;
  try {
    during = await sent({
      url,
      connections: OVERLOAD_CONNECTIONS,
      rate: 2 * before,
      duration_ms: overload_ms,
    });
  } finally {
    clearInterval(watch);
  }
  const after = await capacity();
  await sleep(rest_ms);
  return {
    before,
    during,
    after,
    resident_mb: { before: resident, most, after: residentMb(service.pid) },
  };
}

/** Has a worker send, so that it is not held up by anything else. */
async function sent(order: Order): Promise<Outcome> {
  const worker = new Worker(
    new URL("./open_loop_worker.ts", import.meta.url),
    { type: "module" },
  );
  try {
    const outcome = Promise.withResolvers<Outcome>();
    worker.onmessage = ({ data }) => outcome.resolve(data);
    worker.onerror = (event) => outcome.reject(new Error(event.message));
    worker.postMessage(order);
    return await outcome.promise;
  } finally {
    worker.terminate();
  }
}
