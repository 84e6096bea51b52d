/**
 * Stopping a service: no set that was taken is left without an answer.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { setTimeout as sleep } from "node:timers/promises";
import type { Apps } from "./apps.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { Config } from "./config/config.ts";
import type { Listeners } from "./http/server/listeners.ts";
import type { MembersPort } from "./log/thread/members_port.ts";
import type { LogClient } from "./log/thread/log_client.ts";
import type { Healer } from "./replica/healer.ts";
import type { Rejoin } from "./replica/rejoin.ts";
import type { Replica } from "./replica/replica.ts";
import type { SnapshotKeeper } from "./snapshot_keeper.ts";

const logger = getLogger(["usergrade"]);

/** How long a stop waits for bodies on their way: their changes get a 503. */
const BODIES_TIMEOUT_MS = 2_000;

/** How long connections may linger, and the log may take to close. */
const SHUTDOWN_TIMEOUT_MS = 2_000;

/** What is stopped. */
export interface ShutdownParts {
  readonly config: Config;
  readonly log: LogClient;
  readonly members: MembersPort;
  readonly replica: Replica;
  readonly rejoin: Rejoin;
  readonly cluster: Cluster;
  /** Undefined where no other replica shares the log. */
  readonly healer: Healer | undefined;
  readonly snapshots: SnapshotKeeper;
  readonly apps: Apps;
  readonly listeners: Listeners;
  /** Ends the search for a snapshot, and the looks at the peers after it. */
  readonly stopping: AbortController;
}

/**
 * Serves on, and says that it is not ready, for as long as is configured.
 *
 * @param failed Resolves when the service can't go on.
 * @returns Whether it has failed meanwhile.
 */
export async function leave(
  { config: { shutdownDelay_ms }, replica, apps }: ShutdownParts,
  reason: string,
  failed: Promise<Error>,
): Promise<boolean> {
  if (shutdownDelay_ms === 0 || !replica.readable) return false;
  const leaving =
    `${reason}: requests are served for ${shutdownDelay_ms} ms more (SHUTDOWN_DELAY_MS)`;
  apps.availability.leave(leaving);
  logger.info("Not ready: {reason}", { reason: leaving });
  return await within(shutdownDelay_ms, [failed]);
}

/** Takes no new sets, ends those under way and closes the listeners. */
export async function drain(
  parts: ShutdownParts,
  reason: string,
): Promise<void> {
  const { replica, rejoin, cluster, healer, snapshots } = parts;
  const { apps, listeners, stopping } = parts;
  replica.drain(reason);
  // Those who watch go on at another replica, at once.
  apps.watchers.endAll("draining");
  stopping.abort();
  rejoin.close();
  const snapshotsStopped = Promise.all([snapshots.stop(), healer?.stop()]);
  // The others hear of it before the log is closed.
  cluster.tick(performance.now());
  const patience = performance.now() + BODIES_TIMEOUT_MS;
  while (
    replica.sets.pending > 0 ||
    (apps.bodiesPending > 0 && performance.now() < patience)
  ) {
    await sleep(10);
  }
  // Only now: it breaks the reading of bodies that are on their way.
  await within(SHUTDOWN_TIMEOUT_MS, [listeners.shutdown(), snapshotsStopped]);
}

/** Closes the log, which may take so long and no longer. */
export async function closeLog(
  { config, log, members }: Pick<ShutdownParts, "config" | "log" | "members">,
): Promise<void> {
  // What the others are told last goes over the log's connection.
  if (config.nats !== undefined) {
    await within(SHUTDOWN_TIMEOUT_MS, [members.flush()]);
  }
  await within(SHUTDOWN_TIMEOUT_MS, [log.close()]);
}

/**
 * Waits for all of some work, but not longer than a time.
 *
 * @returns Whether all was done.
 */
async function within(
  timeout_ms: number,
  work: readonly Promise<unknown>[],
): Promise<boolean> {
  const timeout = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => timeout.resolve(false), timeout_ms);
  const done = Promise.all(work).then(() => true);
  const isDone = await Promise.race([done, timeout.promise]);
  clearTimeout(timer);
  return isDone;
}
