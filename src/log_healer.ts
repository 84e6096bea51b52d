/**
 * What makes the log of one service whole.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "./cluster/cluster.ts";
import { healerSituation } from "./cluster/healer_situation.ts";
import type { Config } from "./config/config.ts";
import type { LogClient } from "./log/thread/log_client.ts";
import { Healer } from "./replica/healer.ts";
import type { Rejoin } from "./replica/rejoin.ts";
import type { Replica } from "./replica/replica.ts";
import { storedSource } from "./snapshot/store.ts";
import type { SnapshotStores } from "./snapshot_keeper.ts";

/** What a healer works for. */
export interface LogHealerParts {
  readonly config: Pick<Config, "replicaId" | "healAfter_ms">;
  readonly log: LogClient;
  readonly replica: Replica;
  readonly rejoin: Rejoin;
  readonly cluster: Cluster;
  readonly stores: SnapshotStores;
  /** A clock that never goes back, in milliseconds. */
  now(): number;
}

/** @returns What heals the log that replicas share. */
export function logHealer(parts: LogHealerParts): Healer {
  const { config, log, replica, rejoin, cluster, now } = parts;
  const { name, store } = parts.stores.own;
  return new Healer({
    replicaId: config.replicaId,
    storeName: name,
    healAfter_ms: config.healAfter_ms,
  }, {
    log: log.healing,
    store,
    snapshot: () => replica.snapshot(),
    now,
    // No set is under way that a rest would help.
    pause: () => sleep(0),
    situation: () => healerSituation(config.replicaId, replica, cluster, now),
    restore: (snapshot, signal) =>
      rejoin.goOnFrom(storedSource(name, store, snapshot), signal),
    conditionChanged: (condition) => replica.healingChanged(condition),
    healerChanged: (isHealer) => replica.healerChanged(isHealer),
  });
}
