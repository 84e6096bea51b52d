/**
 * The service: joins its parts, starts them in order and stops them in order.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { bind } from "./bind.ts";
import type { Config } from "./config/config.ts";
import type { RoutedApp } from "./http/server/router.ts";
import { buildParts, now, type Parts, TICK_MS } from "./parts.ts";
import { closeLog, drain, leave } from "./shutdown.ts";
import { startUp } from "./startup.ts";
import type { LogLines } from "./telemetry/logger.ts";
import type { Traces } from "./telemetry/traces.ts";

const logger = getLogger(["usergrade"]);

/** A service that is running. */
export interface Service {
  /** Where the listeners are. */
  readonly urls: Readonly<Record<"set" | "get", string>>;
  /** Resolves when the service can't go on, with the reason. */
  readonly failed: Promise<Error>;
  /**
   * Serves for as long as is configured; then takes no new sets, ends those
   * under way and closes everything.
   *
   * @returns Whether it could go on until then.
   */
  stop(reason: string): Promise<boolean>;
}

/**
 * Starts the service. Both listeners are up before the log is opened, and say
 * that they are not ready until it is applied.
 *
 * @param config What to run.
 * @param version The version to tell.
 * @param logThread The thread of the log; it ends with the service.
 * @param logLines The process's log lines.
 * @param traces The process's spans, if they are collected.
 * @returns The running service.
 * @throws {ListenError} If a port can't be had.
 */
export function startService(
  config: Config,
  version: string,
  logThread: Worker,
  logLines: LogLines,
  traces?: Traces,
): Service {
  const parts = buildParts(config, version, logThread, logLines);
  const { replica, apps, listeners } = parts;
  traces?.hideUsers((url) => apps.set.routeOf(url) ?? apps.get.routeOf(url));
  const shown = (app: RoutedApp) => traces?.named(app) ?? app;
  const set = bind(listeners, config, "set", shown(apps.set));
  apps.setPort = set.port;
  const get = bind(listeners, config, "get", shown(apps.get));
  apps.getPort = get.port;

  const failed = Promise.withResolvers<Error>();
  const fail = (error: Error) => {
    if (replica.state === "draining") return;
    logger.fatal("The service can't go on: {reason}", {
      reason: error.message,
    });
    replica.abandon(error.message);
    failed.resolve(error);
  };
  join(parts, fail);
  const timer = setInterval(() => tick(parts, fail), TICK_MS);
  startUp({ ...parts, signal: parts.stopping.signal, now }).catch(fail);
  return {
    urls: { set: set.url, get: get.url },
    failed: failed.promise,
    stop: async (reason) => {
      const hasFailed = await leave(parts, reason, failed.promise);
      await drain(parts, reason);
      clearInterval(timer);
      await closeLog(parts);
      logger.info("Stopped");
      return !hasFailed;
    },
  };
}

/** Tells the replica of its log, and the cluster of the other replicas. */
function join(
  parts: Parts,
  fail: (error: Error) => void,
): void {
  const { log, members, room, cluster, readmission } = parts;
  const { replica, rejoin, healer, snapshots } = parts;
  const hearOthers = async (hearing: number) => {
    // The log's messages may overtake those of the members: the loss of the
    // connection before would end this hearing, and what was heard over that
    // one would count for it.
    await members.flush();
    readmission.hear(hearing, now());
  };
  rejoin.failed.catch(fail);
  log.listen({
    entries: (entries, lastSequence, bytes, taken) => {
      snapshots.noteEntries(entries, bytes);
      replica.apply(entries, lastSequence, taken);
    },
    status: (status) => {
      replica.logStatusChanged(status);
      rejoin.logStatusChanged(status);
      healer?.logStatusChanged(status);
    },
    firstSequence: (sequence) => replica.firstSequenceMoved(sequence),
    limits: (limits) => {
      snapshots.noteLimits(limits);
      replica.logLimitsChanged(limits);
    },
    warn: (message) => logger.warn("{message}", { message }),
    proposalFailed: (batch, error) => replica.proposalFailed(batch, error),
    hearOthers,
    failed: fail,
  });
  members.listen({
    joined: (wasAway) => {
      room.hearing.joined(wasAway, now());
      cluster.joined(now());
    },
    left: () => {
      cluster.left(now());
      readmission.left();
    },
    heard: (replicaId, bytes) => cluster.heard(replicaId, bytes, now()),
    dropped: (count) => cluster.noteDropped(count),
    off: (reason) => cluster.off(reason),
    on: () => cluster.on(now()),
  });
}

function tick(
  parts: Parts,
  fail: (error: Error) => void,
): void {
  const { replica, cluster, readmission, healer, snapshots } = parts;
  const { apps, loopLag, listeners } = parts;
  loopLag.tick(now());
  try {
    replica.tick();
  } catch (error) {
    // An entry that was applied late shows that the log can't go on.
    fail(error as Error);
  }
  cluster.tick(now());
  readmission.tick(now());
  healer?.tick(now());
  snapshots.tick();
  apps.tick();
  listeners.tick();
}
