/**
 * What an operator has to hear about the cluster, each thing once.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { Difference } from "./divergence.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { Identity } from "./heartbeat_sender.ts";
import type { OtherLog } from "./other_logs.ts";

const logger = getLogger(["usergrade", "cluster"]);

/** The most lives of other replicas with the same id that are remembered. */
const DOUBLES_MAX = 64;

/** Writes the log lines of one replica about the others. */
export class Alarms {
  #alone: string | null = null;
  /**
   * The sessions of other replicas with this one's id.
   * Invariant: no more than {@linkcode DOUBLES_MAX}.
   */
  readonly #doubles = new Set<string>();

  /** @param identity This replica. */
  constructor(private readonly identity: Identity) {}

  /** Another replica was heard under this one's id, or this one itself. */
  double({ session, state }: Heartbeat): void {
    if (
      session === this.identity.session || this.#doubles.has(session) ||
      // A replica that is stopping may overlap with its next start.
      state === "draining"
    ) return;
    if (this.#doubles.size >= DOUBLES_MAX) this.#doubles.clear();
    this.#doubles.add(session);
    logger.error(
      "Another replica runs with REPLICA_ID {replica_id}: give each its own",
      { replica_id: this.identity.replicaId },
    );
  }

  /**
   * @param news Who follows another log, and did not before.
   * @param id This replica's log.
   */
  twoLogs(news: readonly OtherLog[], id: string | undefined): void {
    for (const { follower, logId } of news) {
      logger.error(
        "TWO LOGS: {follower} follows log {other}, and this replica log {id}; each has a part of the sets. Compare NATS_URL and NATS_STREAM of both",
        { follower, other: logId, id },
      );
    }
  }

  /** Another replica has other records than this one. */
  diverged(difference: Difference): void {
    logger.error(
      'DIVERGED: replicas {replica_id} and {other} differ at sequence {sequence}: digests {digest} and {other_digest}. "Two replicas disagree" in src/OPERATIONS.md says which one to start anew',
      {
        replica_id: this.identity.replicaId,
        other: difference.replicaId,
        sequence: difference.sequence,
        digest: difference.ownDigest,
        other_digest: difference.digest,
      },
    );
  }

  /** @param alone The replica that differs from all others; null if none. */
  standsAlone(alone: string | null): void {
    if (alone !== null && alone !== this.#alone) {
      logger.error(
        "Replica {alone} stands alone: it differs from all others, which are equal. Start it anew with the others as PEERS",
        { alone },
      );
    }
    this.#alone = alone;
  }

  /** Heartbeats are not sent or not received from now on. */
  off(reason: string): void {
    logger.warn(
      "Replicas do not see each other: their digests are not compared, and a log that lost entries is not made whole: {reason}",
      { reason },
    );
  }

  /** Heartbeats are sent and received again. */
  on(): void {
    logger.info("Replicas see each other again");
  }
}
