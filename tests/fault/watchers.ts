/**
 * Clients that watch all the time: when a stream ends they go on at another
 * replica, from the last entry that they were told whole.
 *
 * @module
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { EventStream } from "../support/event_stream.ts";
import type { ServiceProcess } from "../support/service_process.ts";
import type { WatchedEntry, WatchRecord } from "./history.ts";
import type { ReplicaSlot } from "./replica_slot.ts";

/** How long a watcher waits when a replica does not take it. */
const BACK_OFF_MS = 50;

/** How long a replica that is up may take to answer. */
const ANSWER_MAX_MS = 20_000;

/** Watchers of one run. */
export class Watchers {
  /** How often a stream began. */
  streams = 0;
  /** How often a watcher had to begin with a backup. */
  backups = 0;
  readonly #leaving = new AbortController();
  /** The watches that go on. */
  readonly #open = new Set<WatchRecord>();

  /**
   * @param slots The replicas.
   * @param records Gets what is watched.
   * @param onSurprise Told of an answer that no fault explains.
   */
  constructor(
    private readonly slots: readonly ReplicaSlot[],
    private readonly records: WatchRecord[],
    private readonly onSurprise: (what: string) => void,
  ) {}

  /**
   * Watches from the log's beginning until `stop`.
   *
   * @param users Whom; undefined for all.
   * @param first The replica to begin with.
   */
  async keepWatching(
    users: readonly string[] | undefined,
    first: number,
  ): Promise<void> {
    let watch = this.#begin(users, 0);
    /** How many replicas in a row no longer have what is needed. */
    let forgotten = 0;
    for (let i = first; !this.#leaving.signal.aborted; i++) {
      const { service } = this.slots[i % this.slots.length];
      const end = service && await this.#watch(service, watch);
      if (end === "forgotten") forgotten++;
      if (end === "ended") forgotten = 0;
      if (forgotten >= this.slots.length) {
        const sequence = await this.#backUp(service!);
        if (sequence !== undefined) {
          this.#open.delete(watch);
          watch = this.#begin(users, sequence);
          forgotten = 0;
        }
      }
      if (end !== "ended") await sleep(BACK_OFF_MS);
    }
  }

  #begin(users: readonly string[] | undefined, after: number): WatchRecord {
    const watch: WatchRecord = { users, after, entries: [], told: after };
    this.records.push(watch);
    this.#open.add(watch);
    return watch;
  }

  /** @returns How it ended. */
  async #watch(
    service: ServiceProcess,
    watch: WatchRecord,
  ): Promise<"ended" | "forgotten" | "refused"> {
    const users =
      watch.users?.map((user) => `user_id=${encodeURIComponent(user)}`) ?? [];
    try {
      const response = await service.get(`/watch?${users.join("&")}`, {
        headers: { "last-event-id": String(watch.told) },
        signal: this.#leaving.signal,
      });
      if (response.status !== 200) {
        const { detail } = await response.json();
        if (response.status === 410) return "forgotten";
        if (response.status !== 503) {
          this.onSurprise(`a watch got ${response.status}: ${detail}`);
        }
        return "refused";
      }
      this.streams++;
      await take(EventStream.of(response), watch);
    } catch (error) {
      // The connection broke, or never was.
      if (error instanceof assert.AssertionError) {
        this.onSurprise(`a watch got a wrong stream: ${error.message}`);
      }
    }
    return "ended";
  }

  /** @returns The sequence of a backup; undefined if there is none now. */
  async #backUp(service: ServiceProcess): Promise<number | undefined> {
    try {
      const response = await service.backup();
      await response.body?.cancel();
      if (response.status !== 200) return undefined;
      this.backups++;
      return Number(response.headers.get("log-sequence"));
    } catch {
      return undefined;
    }
  }

  /** Waits until those who watch all users have been told of an entry. */
  async untilTold(sequence: number): Promise<void> {
    await eventually(() => {
      for (const { users, told } of this.#open) {
        assert.ok(
          users !== undefined || told >= sequence,
          `a watcher was told up to ${told}, and the log ends at ${sequence}`,
        );
      }
    }, ANSWER_MAX_MS);
  }

  /** Ends all watches. */
  stop(): void {
    this.#leaving.abort();
  }
}

/** Takes whole entries from a stream until it ends. */
async function take(stream: EventStream, watch: WatchRecord): Promise<void> {
  let events: WatchedEntry["events"][number][] = [];
  for (;;) {
    const block = await stream.block();
    if (block === undefined || block.event === "end") return;
    if (block.data !== undefined) {
      events.push({ name: block.event!, data: JSON.parse(block.data) });
    }
    if (block.id === undefined) continue;
    const sequence = Number(block.id);
    if (events.length > 0) watch.entries.push({ sequence, events });
    events = [];
    watch.told = sequence;
  }
}
