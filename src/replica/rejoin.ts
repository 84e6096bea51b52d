/**
 * How a running replica goes on when its log was cut beyond what it has
 * applied: it was stopped, suspended or cut off for long. It restores a
 * snapshot beside the state that it has, and goes on from there.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { LogStatus } from "../log/log.ts";
import type { EVENT_LOOP } from "../snapshot/event_loop.ts";
import { restore } from "../snapshot/restore.ts";
import type { SnapshotSource } from "../snapshot/source.ts";
import { retrying, type Sleep } from "./back_off.ts";
import { ForkedError } from "./fork.ts";
import type { Replica } from "./replica.ts";
import type { Wanted } from "./search_attempt.ts";
import type { Found } from "./snapshot_search.ts";

const logger = getLogger(["usergrade", "bootstrap"]);

/** Looks once for a snapshot, as `SnapshotSearch.run` does. */
export type Search = (wanted: Wanted, signal: AbortSignal) => Promise<Found>;

/** What rejoining needs from outside. */
export interface RejoinPorts {
  /** Starts the log's entries anew: none from before come any more. */
  consume(after: number, time: string | null): void;
  /** Waits; rejects when it is aborted. */
  readonly sleep: Sleep;
  /** Where snapshots are restored; the process's own event loop if left out. */
  readonly loop?: typeof EVENT_LOOP;
}

/** Brings one replica back to its log, as often as it takes. */
export class Rejoin {
  readonly #failed = Promise.withResolvers<never>();
  #search: Search | undefined;
  /** Ends the search that is under way; undefined if there is none. */
  #underWay: AbortController | undefined;
  /** The entry that the log does not have any more. */
  #missing = 0;
  #isClosed = false;

  /**
   * @param replica The replica.
   * @param ports The log, and the clock.
   */
  constructor(
    private readonly replica: Replica,
    private readonly ports: RejoinPorts,
  ) {}

  /** Rejects when the replica can't go on, and never resolves. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** @param search Looks in the configured places; none is needed before. */
  begin(search: Search): void {
    this.#search = search;
  }

  /** The log's status has changed, as the replica was told. */
  logStatusChanged({ state, missing }: LogStatus): void {
    if (state !== "away") {
      // The log has the entry again, or a snapshot can't mend what is wrong
      // now.
      this.#stop();
    } else if (
      missing !== undefined && missing > this.replica.appliedSequence
    ) {
      this.#missing = missing;
      const mayStart = !this.#isClosed && !this.replica.isForked;
      if (mayStart && this.#underWay === undefined) this.#start();
    }
  }

  /**
   * Goes on from a snapshot that is fuller than the replica's state, although
   * the log ends before it.
   *
   * @param source The snapshot, which the caller has read back.
   * @param signal Aborts it.
   * @throws {Error} If it can't be had, or is not this replica's future.
   */
  async goOnFrom(source: SnapshotSource, signal: AbortSignal): Promise<void> {
    const { replica, ports } = this;
    try {
      using snapshot = await source.open(signal);
      const { info } = snapshot;
      const reason = `restoring from ${source.name}`;
      const storage = await restore(snapshot, {
        progress: (rows, percent) =>
          replica.noteRestore({ reason, rows, percent }),
      }, ports.loop);
      signal.throwIfAborted();
      replica.rejoin(storage, info, `restored from ${source.name}`);
      ports.consume(info.sequence, info.time);
    } finally {
      replica.restoreEnded();
    }
  }

  /** Ends it for good. */
  close(): void {
    this.#isClosed = true;
    this.#stop();
  }

  #stop(): void {
    if (this.#underWay === undefined) return;
    this.#underWay.abort();
    this.#underWay = undefined;
    this.replica.restoreEnded();
  }

  #start(): void {
    const underWay = this.#underWay = new AbortController();
    this.#run(underWay.signal).catch((error) => {
      // One that was stopped ends by an error too.
      if (!underWay.signal.aborted) this.#failed.reject(error);
    });
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { replica, ports } = this;
    logger.warn(
      "The log was cut beyond what is applied: a snapshot that includes entry {missing} is looked for, and gets are answered meanwhile",
      { missing: this.#missing, applied_sequence: replica.appliedSequence },
    );
    this.#note("a snapshot is being looked for");
    let refusals = "";
    const { storage, place, account } = await retrying(
      async () => {
        const found = await this.#once(signal);
        if (found.type === "restored") return found;
        refusals = found.account;
        return undefined;
      },
      (next_ms) => this.#notFound(refusals, next_ms),
      ports.sleep,
      signal,
    );
    if (signal.aborted) return;
    this.#underWay = undefined;
    if (place.sequence <= replica.appliedSequence) {
      // The entry has come after all, and more.
      return replica.restoreEnded();
    }
    try {
      replica.rejoin(storage, place, account);
    } catch (error) {
      // The replica says so, and keeps the state that it has.
      if (error instanceof ForkedError) return replica.restoreEnded();
      throw error;
    }
    ports.consume(place.sequence, place.time);
  }

  async #once(signal: AbortSignal): Promise<Found> {
    const logId = this.replica.log!.id;
    const found = await this.#search!({
      logId,
      entry: this.#missing,
      objection: (info) => this.replica.forkFrom(info),
    }, signal);
    return found.type === "restored" && found.place.sequence < this.#missing
      ? {
        type: "nothing",
        account: `${found.account}, and the log was cut further meanwhile`,
      }
      : found;
  }

  #notFound(refusals: string, next_ms: number): void {
    const reason =
      `no snapshot that includes entry ${this.#missing} can be had (${
        refusals || "there is no place to look for one"
      }): make one with POST /snapshot on a replica that has applied it, start this one with PEERS set to such a replica or a backup, or put the stream back; next try in ${
        next_ms / 1000
      } s`;
    logger.error("No set can commit: {reason}", { reason });
    this.#note(reason);
  }

  #note(reason: string): void {
    this.replica.noteRestore({ reason, rows: 0, percent: 0 });
  }
}
