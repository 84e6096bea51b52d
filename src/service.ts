/**
 * The service: builds its parts, starts them in order and stops them in order.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { setTimeout as sleep } from "node:timers/promises";
import { Apps } from "./apps.ts";
import { bind } from "./bind.ts";
import { Cluster } from "./cluster/cluster.ts";
import { Readmission } from "./cluster/readmission.ts";
import { Room } from "./cluster/room.ts";
import type { Config } from "./config/config.ts";
import { Listeners } from "./http/server/listeners.ts";
import type { RoutedApp } from "./http/server/router.ts";
import { logFilesBytes } from "./log/sqlite/log_size.ts";
import { LogClient } from "./log/thread/log_client.ts";
import { MembersPort } from "./log/thread/members_port.ts";
import { logHealer } from "./log_healer.ts";
import { endOf } from "./replica/bootstrap.ts";
import { Rejoin } from "./replica/rejoin.ts";
import { Replica } from "./replica/replica.ts";
import { SnapshotKeeper, type SnapshotStores } from "./snapshot_keeper.ts";
import { rest } from "./snapshot/format/rest.ts";
import { snapshotStores } from "./snapshot_stores.ts";
import { closeLog, drain, leave, type ShutdownParts } from "./shutdown.ts";
import { startUp } from "./startup.ts";
import { LoopLag } from "./telemetry/loop_lag.ts";
import type { LogLines } from "./telemetry/logger.ts";
import type { Traces } from "./telemetry/traces.ts";

const logger = getLogger(["usergrade"]);

/** How often deadlines are looked at. */
const TICK_MS = 100;

/**
 * While sets are under way, snapshots rest so many times as long as they work:
 * on two cores that the sets keep busy, one made without a rest took half of
 * their speed.
 */
const REST_FACTOR = 6;

/** A service that is running. */
export interface Service {
  /** Where the listeners are. */
  readonly urls: Readonly<Record<"set" | "get", string>>;
  /** Resolves when the service can't go on, with the reason. */
  readonly failed: Promise<Error>;
  /**
   * Serves for as long as is configured; then takes no new sets, ends those
   * under way and closes everything.
   */
  stop(reason: string): Promise<void>;
}

/** What a service is made of. */
interface Parts extends ShutdownParts {
  readonly members: MembersPort;
  readonly room: Room;
  readonly readmission: Readmission;
  readonly stores: SnapshotStores;
  readonly loopLag: LoopLag;
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
  const parts = build(config, version, logThread, logLines);
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
      await leave(parts, reason, failed.promise);
      await drain(parts, reason);
      clearInterval(timer);
      await closeLog(parts);
      logger.info("Stopped");
    },
  };
}

/** The time in milliseconds, by a clock that never goes back. */
function now(): number {
  return performance.now();
}

/** Builds each part of those before it. */
function build(
  config: Config,
  version: string,
  logThread: Worker,
  logLines: LogLines,
): Parts {
  const { replicaId } = config;
  const identity = {
    replicaId,
    version,
    mode: config.nats === undefined ? "standalone" : "replicated",
    started_ms: now(),
  } as const;
  const log = new LogClient(logThread);
  const members = new MembersPort();
  const replica = new Replica({
    propose: (batch, text, version) => log.propose(batch, text, version),
    defer: (callback) => setImmediate(callback),
    now,
  }, config.commitTimeout_ms);
  const rejoin = new Rejoin(replica, {
    consume: (after, time) => log.consume(after, time),
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
  });
  const room = new Room(
    config.isNewLogWanted,
    config.restoreFrom && replicaId,
  );
  const session = crypto.randomUUID().replaceAll("-", "");
  const cluster = new Cluster({ replicaId, version, session }, replica, {
    sendHeartbeat: config.nats &&
      ((forms) => members.send(forms)),
    heard: (heartbeat) => {
      room.heard(heartbeat, now());
      readmission.tick(now());
    },
  });
  const readmission = new Readmission({
    cluster,
    replica,
    locate: () => log.locate(0),
    recover: async ({ lastSequence }) =>
      await healer?.recover(await endOf(log, { lastSequence })) ?? false,
    admit: (hearing) => log.othersHeard(hearing),
    isGivenUp: (other) => room.isGivenUp(other),
    changed: (condition) => replica.healingChanged(condition),
  });
  const restFactor = () => replica.sets.pending > 0 ? REST_FACTOR : 0;
  const stores = snapshotStores(config, log, restFactor);
  const healer = config.nats &&
    logHealer({ config, log, replica, rejoin, cluster, stores, now });
  const snapshots = new SnapshotKeeper(stores, config.snapshots, {
    locate: (sequence) => log.locate(sequence),
    trim: (sequence) => log.trim(sequence),
    replica,
    cluster,
    now,
    date: () => Date.now(),
    pause: async (worked_ms) => {
      await sleep(0);
      await rest(worked_ms, restFactor());
    },
  });
  const listeners = new Listeners(now);
  const loopLag = new LoopLag(TICK_MS);
  const apps = new Apps({
    ...config,
    identity,
    replica,
    cluster,
    snapshots,
    healing: healer ?? { seen: 0, lost: 0 },
    logFilesBytes: config.nats === undefined
      ? () => logFilesBytes(config.dataDir)
      : undefined,
    loopLag,
    listeners,
    logLines,
    now,
  });
  return {
    config,
    log,
    members,
    room,
    replica,
    rejoin,
    cluster,
    readmission,
    stores,
    healer,
    snapshots,
    apps,
    loopLag,
    listeners,
    stopping: new AbortController(),
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
