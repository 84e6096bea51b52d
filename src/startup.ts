/**
 * From an empty replica to one that follows its log: who else is there, opening
 * or making the log, and restoring.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { setTimeout as delay } from "node:timers/promises";
import type { Cluster } from "./cluster/cluster.ts";
import { enter } from "./cluster/entrance.ts";
import type { Room } from "./cluster/room.ts";
import type { Config } from "./config/config.ts";
import { FindAgainError, type LogInfo } from "./log/log.ts";
import type { LogClient } from "./log/thread/log_client.ts";
import type { MembersPort } from "./log/thread/members_port.ts";
import { Peers } from "./peers.ts";
import { bootstrap, endOf } from "./replica/bootstrap.ts";
import type { Healer } from "./replica/healer.ts";
import type { Rejoin } from "./replica/rejoin.ts";
import type { Replica } from "./replica/replica.ts";
import { SnapshotSearch } from "./replica/snapshot_search.ts";
import { hasEntries, sayUnused, stateToRestore } from "./restoration.ts";
import type { FileState } from "./snapshot/state_file.ts";
import type { SnapshotKeeper, SnapshotStores } from "./snapshot_keeper.ts";
import { inOrder } from "./snapshot_stores.ts";
import { keepState } from "./kept_state.ts";
import { StoredStates } from "./stored_states.ts";

const logger = getLogger(["usergrade"]);

/** What a start works on. */
export interface StartupParts {
  readonly config: Config;
  readonly log: LogClient;
  readonly members: MembersPort;
  readonly room: Room;
  readonly cluster: Cluster;
  readonly replica: Replica;
  readonly rejoin: Rejoin;
  /** Undefined where the log is not shared. */
  readonly healer: Healer | undefined;
  readonly stores: SnapshotStores;
  /** Is told which snapshots are damaged. */
  readonly snapshots: SnapshotKeeper;
  /** Ends it, and the looks at the peers afterwards. */
  readonly signal: AbortSignal;
  /** The time in milliseconds. */
  now(): number;
}

/**
 * Fills a replica, and then asks the peers for their log until it is stopped.
 *
 * @throws {LogFailedError} If the log can't be used.
 */
export async function startUp(parts: StartupParts): Promise<void> {
  const { config, signal } = parts;
  using client = config.peersCa === undefined
    ? undefined
    : Deno.createHttpClient({ caCerts: [config.peersCa] });
  const peers = new Peers(config.peers, client, signal);
  // Its own function, so that no state is held on to while the peers are asked.
  await fill(parts, peers);
  await peers.watch(parts.cluster, parts.now);
}

/** Brings the replica to the point where it applies its log's entries. */
async function fill(parts: StartupParts, peers: Peers): Promise<void> {
  const { config, log, replica, signal } = parts;
  const stores = inOrder(parts.stores);
  // The file of an embedded log has no snapshots of a log that is not in it, and
  // can't be asked before the log is open.
  const stored = new StoredStates(
    stores.filter(({ store }) => store !== log.snapshots),
  );
  if (config.restoreFrom !== undefined) {
    announce(replica, config.restoreFrom);
  }
  await connect(parts);
  const state = await fileState(parts, stored);
  const info = await openLog(parts, peers, stored, state);
  await report(info, parts);
  const search = new SnapshotSearch(
    { sources: peers.sources, stores },
    log,
    (progress) => replica.noteRestore(progress),
    (store, id) => parts.snapshots.doubt(store, id),
  );
  parts.rejoin.begin((wanted, signal) => search.run(wanted, signal));
  if (state !== undefined && !hasEntries(info)) {
    await beginFrom(state, info, parts);
  } else {
    if (state !== undefined) sayUnused(config.restoreFrom!, info);
    await bootstrap(replica, log, info, search, signal, {
      heals: makesWhole(config),
      remedy: config.nats === undefined
        ? "put back a copy of DATA_DIR, or start with a SNAPSHOT_DIR that has a backup of this log"
        : undefined,
    });
  }
}

/** Whether a start makes the log whole from a snapshot beyond its end. */
function makesWhole({ nats, healAfter_ms, isNewLogWanted }: Config): boolean {
  return nats !== undefined && healAfter_ms > 0 && !isNewLogWanted;
}

/** The others must hear it before they would make a log. */
function announce(replica: Replica, url: string): void {
  replica.healingChanged({
    type: "healing",
    reason: `the log is made from ${url} (RESTORE_FROM) unless it has entries`,
  });
}

function connect({ config, log, members }: StartupParts): Promise<void> {
  return config.nats === undefined
    ? log.connect({ engine: "sqlite", directory: config.dataDir })
    : log.connect({
      ...config.nats,
      engine: "jetstream",
      replicaId: config.replicaId,
      commitTimeout_ms: config.commitTimeout_ms,
    }, members.remote);
}

/** The state of the file that the log is to be made from, if it is. */
async function fileState(
  { config: { restoreFrom }, log, replica, signal }: StartupParts,
  stored: StoredStates,
): Promise<FileState | undefined> {
  if (restoreFrom === undefined) return undefined;
  const state = await stateToRestore({
    url: restoreFrom,
    find: () => log.find(),
    later: (place) => stored.later(place),
    say: (reason) => replica.healingChanged({ type: "healing", reason }),
    progress: (progress) => {
      const { reason } = progress;
      replica.healingChanged({ type: "healing", reason });
      replica.noteRestore(progress);
    },
    sleep: (ms, signal) => delay(ms, undefined, { signal }),
  }, signal);
  replica.restoreEnded();
  return state;
}

/** Opens the log, or makes it, once the other replicas let this one do so. */
async function openLog(
  parts: StartupParts,
  peers: Peers,
  stored: StoredStates,
  state: FileState | undefined,
): Promise<LogInfo> {
  for (;;) {
    if (parts.config.nats !== undefined) {
      await passRoom(parts, peers, stored, state);
    }
    try {
      return await parts.log.open(state?.info.logId);
    } catch (error) {
      if (!(error instanceof FindAgainError)) throw error;
    }
  }
}

/** Waits until the other replicas let this one open the log, or make it. */
async function passRoom(
  { config, log, members, room, replica, now }: StartupParts,
  peers: Peers,
  stored: StoredStates,
  state: FileState | undefined,
): Promise<void> {
  await enter(room, {
    find: async () => {
      const found = await log.find();
      // The answer may have overtaken a new connection of the members, over
      // which they are to be heard anew.
      await members.flush();
      return found;
    },
    ask: async (found) => {
      const end = found && makesWhole(config)
        ? await endOf(log, found)
        : undefined;
      const isMade = state !== undefined &&
        (found === undefined || !hasEntries(found));
      await Promise.all([
        peers.tell(room, log, found),
        // The operator has chosen the file.
        isMade || stored.tell(room, found, log, end),
      ]);
    },
    hold: (reason) => replica.hold(reason),
    now,
  });
}

/** Lets an empty log go on from a state. */
async function beginFrom(
  { storage, info }: FileState,
  opened: LogInfo,
  { config, log, replica, healer, stores, signal }: StartupParts,
): Promise<void> {
  const { restoreFrom, nats } = config;
  const { sequence, time, rows } = info;
  logger.info(
    "The log {id} is made from {url} (RESTORE_FROM): {rows} users at sequence {sequence}",
    { id: info.logId, url: restoreFrom, rows, sequence },
  );
  replica.logOpened(opened);
  if (nats === undefined) {
    await keepState({ storage, info }, log, stores.own.store, signal);
  } else announce(replica, restoreFrom!);
  replica.adopt(storage, info, `restored from ${restoreFrom}`);
  // Where the log is shared it is behind this replica now, and is healed. All
  // others are held back meanwhile, so there is nobody to wait for.
  healer?.order();
  log.consume(sequence, time);
}

/** Says which log it is, and how old its last entry is. */
async function report(
  { id, isNew, lastSequence }: LogInfo,
  { config, log }: StartupParts,
): Promise<void> {
  if (!isNew) {
    const { time } = await log.locate(lastSequence);
    logger.info(
      time === undefined
        ? "The log {id} is open, up to entry {sequence}"
        : "The log {id} is open, up to entry {sequence} of {time}",
      { id, sequence: lastSequence, time },
    );
    return;
  }
  const place = config.nats === undefined
    ? `a file in the folder ${config.dataDir} (DATA_DIR)`
    : `the stream ${config.nats.stream} (NATS_STREAM)`;
  logger.warn(
    "The log {id} is new and empty: it was made as {place}, which was not there",
    { id, place },
  );
}
