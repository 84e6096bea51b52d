/**
 * Operators who ask for snapshots, and what they were answered.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { AUTHORIZATION } from "../support/credentials.ts";
import type { Random } from "../support/random.ts";
import type { RequestedSnapshot } from "./history.ts";
import type { ReplicaSlot } from "./replica_slot.ts";

/** The shortest and the longest pause between two requests. */
const PAUSE_MIN_MS = 300;
const PAUSE_MAX_MS = 1_500;

/** How long a snapshot may take. */
const ANSWER_MAX_MS = 60_000;

/** All requests of a run. */
export class SnapshotRequests {
  #isStopped = false;
  #refusal = "";

  /**
   * @param made Gets those that were made.
   * @param onSurprise Told of an answer that no fault explains.
   */
  constructor(
    private readonly made: RequestedSnapshot[],
    private readonly onSurprise: (what: string) => void,
  ) {}

  /** Why the last one that was refused was. */
  get refusal(): string {
    return this.#refusal;
  }

  /** Asks one replica again and again, until `stop`. */
  async keepAsking(slot: ReplicaSlot, random: Random): Promise<void> {
    while (!this.#isStopped) {
      await this.ask(slot);
      await sleep(PAUSE_MIN_MS + random.below(PAUSE_MAX_MS - PAUSE_MIN_MS));
    }
  }

  /** @returns Whether it was made. */
  async ask({ index, service }: ReplicaSlot): Promise<boolean> {
    if (service === undefined) return false;
    const asked_ms = performance.now();
    try {
      const response = await fetch(`${service.url("set")}/snapshot`, {
        method: "POST",
        headers: { authorization: AUTHORIZATION },
        signal: AbortSignal.timeout(ANSWER_MAX_MS),
      });
      const body = await response.json();
      if (response.status === 200) {
        const { sequence, rows } = body;
        this.made.push({ replica: index, asked_ms, sequence, rows });
        return true;
      }
      this.#refusal = body.detail;
      if (response.status !== 503) {
        this.onSurprise(`a snapshot got ${response.status}: ${body.detail}`);
      }
    } catch (error) {
      if ((error as Error).name === "TimeoutError") {
        this.onSurprise(`a snapshot took more than ${ANSWER_MAX_MS} ms`);
      }
      // Else the replica is gone.
    }
    return false;
  }

  /** Asks no more. */
  stop(): void {
    this.#isStopped = true;
  }
}
