/**
 * The configured peers of a replica: what they hold, and which log they follow.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { setTimeout as delay } from "node:timers/promises";
import type { Cluster } from "./cluster/cluster.ts";
import type { FoundLog } from "./cluster/misfit.ts";
import type { Room } from "./cluster/room.ts";
import { HealPoints } from "./replica/heal_points.ts";
import type { LocatingLog } from "./replica/search_attempt.ts";
import { fileSource } from "./snapshot/file_source.ts";
import { askPeer, type Peer, peerSource } from "./snapshot/peer_source.ts";
import type { SnapshotInfo } from "./snapshot/snapshot.ts";
import type { SnapshotSource } from "./snapshot/source.ts";

const logger = getLogger(["usergrade"]);

/** How often peers are asked for their log while the service runs. */
const LOOK_MS = 30_000;

/** The configured peers, and the files among them. */
export class Peers {
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
    log: LocatingLog,
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
            healedTo: HealPoints.from(info.heals).last?.sequence ?? null,
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
      await delay(LOOK_MS, undefined, { signal: this.signal })
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
  log: LocatingLog,
  found: FoundLog | undefined,
): Promise<boolean> {
  if (
    found?.id !== logId || sequence === 0 || sequence > found.lastSequence
  ) return false;
  const { time: timeInLog } = await log.locate(sequence);
  // An entry that the log has no more can't be compared.
  return timeInLog !== undefined && timeInLog !== time;
}
