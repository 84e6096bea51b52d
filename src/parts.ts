/**
 * What a service is made of, each part built of those before it.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Apps, type AppsOptions } from "./apps.ts";
import { Cluster } from "./cluster/cluster.ts";
import { Readmission, type ReadmissionPorts } from "./cluster/readmission.ts";
import { Room } from "./cluster/room.ts";
import type { Config } from "./config/config.ts";
import { Listeners } from "./http/server/listeners.ts";
import { logFilesBytes } from "./log/sqlite/log_size.ts";
import { LogClient } from "./log/thread/log_client.ts";
import { MembersPort } from "./log/thread/members_port.ts";
import { logHealer } from "./log_healer.ts";
import { endOf } from "./replica/bootstrap.ts";
import { Rejoin } from "./replica/rejoin.ts";
import { Replica } from "./replica/replica.ts";
import type { ShutdownParts } from "./shutdown.ts";
import { SnapshotKeeper, type SnapshotStores } from "./snapshot_keeper.ts";
import { rest } from "./snapshot/format/rest.ts";
import { snapshotStores } from "./snapshot_stores.ts";
import { LoopLag } from "./telemetry/loop_lag.ts";
import type { LogLines } from "./telemetry/logger.ts";

/** How often deadlines are looked at. */
export const TICK_MS = 100;

/**
 * While sets are under way, snapshots rest so many times as long as they work:
 * on two cores that the sets keep busy, one made without a rest took half of
 * their speed.
 */
const REST_FACTOR = 6;

/** What a service is made of. */
export interface Parts extends ShutdownParts {
  readonly members: MembersPort;
  readonly room: Room;
  readonly readmission: Readmission;
  readonly stores: SnapshotStores;
  readonly loopLag: LoopLag;
}

/** The time in milliseconds, by a clock that never goes back. */
export function now(): number {
  return performance.now();
}

/**
 * @param config What to run.
 * @param version The version to tell.
 * @param logThread The thread of the log.
 * @param logLines The process's log lines.
 */
export function buildParts(
  config: Config,
  version: string,
  logThread: Worker,
  logLines: LogLines,
): Parts {
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
  const stores = snapshotStores(config, log, () => restFactor(replica));
  const others = othersOf(config, version, {
    log,
    members,
    replica,
    recover: async ({ lastSequence }) =>
      await healer?.recover(await endOf(log, { lastSequence })) ?? false,
  });
  const { cluster } = others;
  const healer = config.nats &&
    logHealer({ config, log, replica, rejoin, cluster, stores, now });
  const snapshots = keeperOf(config, { log, replica, cluster, stores });
  const listeners = new Listeners(now);
  const loopLag = new LoopLag(TICK_MS);
  const apps = appsOf(config, version, {
    replica,
    cluster,
    healer,
    snapshots,
    loopLag,
    listeners,
    logLines,
  });
  return {
    config,
    log,
    members,
    replica,
    rejoin,
    ...others,
    stores,
    healer,
    snapshots,
    apps,
    loopLag,
    listeners,
    stopping: new AbortController(),
  };
}

/** What this replica knows of the others, and asks of them. */
function othersOf(
  { replicaId, nats, isNewLogWanted, restoreFrom }: Config,
  version: string,
  { log, members, replica, recover }:
    & Pick<Parts, "log" | "members" | "replica">
    & Pick<ReadmissionPorts, "recover">,
): Pick<Parts, "room" | "cluster" | "readmission"> {
  const room = new Room(isNewLogWanted, restoreFrom && replicaId);
  const session = crypto.randomUUID().replaceAll("-", "");
  const cluster = new Cluster({ replicaId, version, session }, replica, {
    sendHeartbeat: nats && ((forms) => members.send(forms)),
    heard: (heartbeat) => {
      room.heard(heartbeat, now());
      readmission.tick(now());
    },
  });
  const readmission = new Readmission({
    cluster,
    replica,
    locate: () => log.locate(0),
    recover,
    admit: (hearing) => log.othersHeard(hearing),
    isGivenUp: (other) => room.isGivenUp(other),
    changed: (condition) => replica.healingChanged(condition),
  });
  return { room, cluster, readmission };
}

/** What keeps the snapshots of a replica. */
function keeperOf(
  { snapshots: policy }: Config,
  { log, replica, cluster, stores }: Pick<
    Parts,
    "log" | "replica" | "cluster" | "stores"
  >,
): SnapshotKeeper {
  return new SnapshotKeeper(stores, policy, {
    locate: (sequence) => log.locate(sequence),
    trim: (sequence) => log.trim(sequence),
    replica,
    cluster,
    now,
    date: () => Date.now(),
    pause: async (worked_ms) => {
      await sleep(0);
      await rest(worked_ms, restFactor(replica));
    },
  });
}

function restFactor({ sets }: Replica): number {
  return sets.pending > 0 ? REST_FACTOR : 0;
}

/** What answers the requests of both listeners. */
function appsOf(
  config: Config,
  version: string,
  { healer, ...parts }:
    & Pick<
      AppsOptions,
      | "replica"
      | "cluster"
      | "snapshots"
      | "loopLag"
      | "listeners"
      | "logLines"
    >
    & Pick<Parts, "healer">,
): Apps {
  const isStandalone = config.nats === undefined;
  return new Apps({
    ...config,
    ...parts,
    identity: {
      replicaId: config.replicaId,
      version,
      mode: isStandalone ? "standalone" : "replicated",
      started_ms: now(),
    },
    healing: healer ?? { seen: 0, lost: 0 },
    logFilesBytes: isStandalone
      ? () => logFilesBytes(config.dataDir)
      : undefined,
    now,
  });
}
