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
import type { FoundLog } from "./cluster/misfit.ts";
import type { Room } from "./cluster/room.ts";
import type { Config } from "./config/config.ts";
import type { LogInfo } from "./log/log.ts";
import type { LogClient } from "./log/thread/log_client.ts";
import type { MembersPort } from "./log/thread/members_port.ts";
import { bootstrap } from "./replica/bootstrap.ts";
import type { Rejoin } from "./replica/rejoin.ts";
import type { Replica } from "./replica/replica.ts";
import { SnapshotSearch } from "./replica/snapshot_search.ts";
import { fileSource } from "./snapshot/file_source.ts";
import { askPeer, type Peer, peerSource } from "./snapshot/peer_source.ts";
import type { SnapshotInfo } from "./snapshot/snapshot.ts";
import type { SnapshotSource } from "./snapshot/source.ts";
import type { SnapshotKeeper, SnapshotStores } from "./snapshot_keeper.ts";
import { inOrder } from "./snapshot_stores.ts";
import { tellStored } from "./stored_states.ts";

const logger = getLogger(["usergrade"]);

/** How often peers are asked for their log while the service runs. */
const PEERS_LOOK_MS = 30_000;

/** What a start works on. */
export interface StartupParts {
  readonly config: Config;
  readonly log: LogClient;
  readonly members: MembersPort;
  readonly room: Room;
  readonly cluster: Cluster;
  readonly replica: Replica;
  readonly rejoin: Rejoin;
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
  const { config, log, members, replica } = parts;
  const stores = inOrder(parts.stores);
  using client = config.peersCa === undefined
    ? undefined
    : Deno.createHttpClient({ caCerts: [config.peersCa] });
  const peers = new Peers(config.peers, client, parts.signal);
  if (config.nats === undefined) {
    await log.connect({ engine: "sqlite", directory: config.dataDir });
  } else {
    await log.connect({
      ...config.nats,
      engine: "jetstream",
      replicaId: config.replicaId,
      commitTimeout_ms: config.commitTimeout_ms,
    }, members.remote);
    await enter(parts.room, {
      find: () => log.find(),
      ask: async (found) => {
        await Promise.all([
          peers.tell(parts.room, log, found),
          tellStored(parts.room, stores, found),
        ]);
      },
      hold: (reason) => replica.hold(reason),
      now: parts.now,
    });
  }
  const info = await log.open();
  report(info, config);
  const places = { sources: peers.sources, stores };
  const search = new SnapshotSearch(
    places,
    log,
    (progress) => replica.noteRestore(progress),
    (store, id) => parts.snapshots.doubt(store, id),
  );
  const remedy = config.nats === undefined
    ? "put back a copy of DATA_DIR, or start with a SNAPSHOT_DIR that has a backup of this log"
    : undefined;
  parts.rejoin.begin((wanted, signal) => search.run(wanted, signal));
  await bootstrap(replica, log, info, search, parts.signal, remedy);
  await peers.watch(parts.cluster, parts.now);
}

function report({ id, isNew, lastSequence }: LogInfo, config: Config): void {
  if (!isNew) {
    logger.info("The log {id} is open, up to entry {sequence}", {
      id,
      sequence: lastSequence,
    });
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

/** The configured peers, and the files among them. */
class Peers {
  readonly sources: readonly SnapshotSource[];

  constructor(
    private readonly peers: readonly Peer[],
    private readonly client: Deno.HttpClient | undefined,
    private readonly signal: AbortSignal,
  ) {
    this.sources = peers.map((peer) =>
      isFile(peer) ? fileSource(peer.url) : peerSource(peer, client)
    );
  }

  /** Tells a room what they hold; those that don't answer are left out. */
  async tell(
    room: Room,
    log: LogClient,
    found: FoundLog | undefined,
  ): Promise<void> {
    await Promise.all(this.peers.map(async (peer, i) => {
      const kind = isFile(peer) ? "file" : "replica";
      const holder = `${kind === "file" ? "the backup" : "peer"} ${peer.url}`;
      try {
        const info = await this.#ask(peer, this.sources[i]);
        room.noteHeld(
          holder,
          info && {
            holder,
            session: "",
            logId: info.logId,
            sequence: info.sequence,
            users: info.rows,
            isOfAnotherHistory: await isOfAnotherHistory(info, log, found),
            kind,
          },
        );
      } catch (error) {
        logger.debug("{holder} says nothing: {reason}", {
          holder,
          reason: (error as Error).message,
        });
      }
    }));
  }

  /** What a peer or a file holds; undefined if nothing. */
  async #ask(
    peer: Peer,
    source: SnapshotSource,
  ): Promise<SnapshotInfo | undefined> {
    if (!isFile(peer)) {
      const state = await askPeer(peer, this.client, this.signal);
      if (state.type === "holds_nothing") return undefined;
      if (state.type === "holds") return state.info;
    }
    using snapshot = await source.open(this.signal);
    return snapshot.info;
  }

  /** Asks for their log, again and again. */
  async watch(cluster: Cluster, now: () => number): Promise<void> {
    const running = this.peers.filter((peer) => !isFile(peer));
    while (running.length > 0 && !this.signal.aborted) {
      await Promise.all(running.map(async (peer) => {
        const logId = await askPeer(peer, this.client, this.signal).then(
          (state) => state.type === "holds" ? state.info.logId : undefined,
          () => undefined,
        );
        cluster.peerSaid(peer.url, logId, now());
      }));
      await delay(PEERS_LOOK_MS, undefined, { signal: this.signal })
        .catch(() => {});
    }
  }
}

function isFile({ url }: Peer): boolean {
  return url.startsWith("file:");
}

/** Whether the log has another entry at the place of a state of this very log. */
async function isOfAnotherHistory(
  { logId, sequence, time }: SnapshotInfo,
  log: LogClient,
  found: FoundLog | undefined,
): Promise<boolean> {
  if (
    found?.id !== logId || sequence === 0 || sequence > found.lastSequence
  ) return false;
  const { time: timeInLog } = await log.locate(sequence);
  // An entry that the log has no more can't be compared.
  return timeInLog !== undefined && timeInLog !== time;
}
