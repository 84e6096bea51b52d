/**
 * All who watch. They are told of changes in steps, however fast these come:
 * each waits until its client has taken what it was given before.
 *
 * @module
 */
import type { RecentChanges, WatchSource } from "../ports/watch.ts";
import { BusyError } from "../server/limit.ts";
import { SharedTexts } from "./shared_texts.ts";
import { endDetail, type EndReason, WatchCounts } from "./watch_end.ts";
import { type StepPorts, WatchSteps } from "./watch_steps.ts";
import { WatchedUsers } from "./watched_users.ts";
import { type Head, type Told, Watcher } from "./watcher.ts";
import { endText } from "./watch_text.ts";

/** How many watch at a time. */
export const WATCHERS_MAX = 1_000;

/** How many users all of them together name. */
export const NAMED_USERS_MAX = 100_000;

/**
 * How many changes, some 1 MiB of text, may come for a watcher that takes
 * nothing.
 */
export const MISSED_MAX = 8_192;

/** How long a watcher that takes nothing counts as one that is about to. */
export const STALLED_MS = 1_000;

/** How long until a watcher for whom nothing has come hears that. */
export const COMMENT_INTERVAL_MS = 15_000;

/** With so many changes to tell, nobody waits for a later step. */
const STEP_CHANGES_MAX = 16_384;

const encoder = new TextEncoder();

/** What a watch is about. */
export interface WatchWanted {
  readonly userIds: ReadonlySet<string> | undefined;
  /** The sequence after which changes are wanted; undefined for now. */
  readonly after: number | undefined;
}

type Controller = ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;

/** Those who watch one replica. */
export class Watchers {
  readonly counts = new WatchCounts();
  readonly #streams = new Map<Watcher, Controller>();
  readonly #users = new WatchedUsers();
  readonly #shared: SharedTexts;
  #head: Head = { change: 0, sequence: 0 };
  #gaps = 0;
  readonly #steps: WatchSteps;

  /**
   * @param source Says whether changes can be watched.
   * @param changes What is told.
   * @param commitTimeout_ms How long a watcher may wait for a sequence that the
   * log does not have: longer than it takes to hear of a set elsewhere.
   */
  constructor(
    private readonly source: WatchSource,
    private readonly changes: RecentChanges,
    private readonly ports: StepPorts,
    private readonly commitTimeout_ms: number,
  ) {
    this.#shared = new SharedTexts(changes);
    this.#steps = new WatchSteps(ports, () => this.#step());
    changes.onChange = () => this.#changed();
  }

  /** How many watch. */
  get size(): number {
    return this.#streams.size;
  }

  /** The lowest sequence after which changes can be watched. */
  get floor(): number {
    return this.changes.floor;
  }

  /** @throws {BusyError} If no more can watch, or none that names so many. */
  assertRoom({ userIds }: WatchWanted): void {
    if (this.size >= WATCHERS_MAX) {
      throw new BusyError(
        `${WATCHERS_MAX} clients are watching, which is the limit: try another replica`,
      );
    }
    const named = this.#users.named + (userIds?.size ?? 0);
    if (named > NAMED_USERS_MAX) {
      throw new BusyError(
        `All watches together would name ${named} users, and ${NAMED_USERS_MAX} is the limit: try another replica, or watch all users`,
      );
    }
  }

  /**
   * Begins a watch.
   *
   * @param wanted What it is about, for which there is room. `after` is not
   * below {@linkcode floor}.
   * @returns Events until it ends.
   */
  open({ userIds, after }: WatchWanted): ReadableStream<Uint8Array> {
    // Nobody was told of what has come until now.
    if (this.size === 0) this.#moveHead();
    const watcher = new Watcher(this.changes, {
      after: after ?? this.changes.sequence,
      userIds,
    });
    watcher.tookAt_ms = this.ports.now();
    watcher.aheadSince_ms = watcher.tookAt_ms;
    watcher.commentAt_ms = watcher.tookAt_ms + COMMENT_INTERVAL_MS;
    return new ReadableStream({
      start: (controller) => {
        this.#streams.set(watcher, controller);
        this.#users.add(watcher);
      },
      pull: () => this.#serve(watcher),
      cancel: () => {
        watcher.hasLeft = true;
        if (this.#remove(watcher)) this.counts.ends.client++;
      },
    }, { highWaterMark: 0 });
  }

  /** Ends all watches. */
  endAll(reason: EndReason): void {
    for (const watcher of this.#streams.keys()) this.#end(watcher, reason);
  }

  /** Ends what must end, and tells who waits that nothing came. To be called a few times a second. */
  tick(): void {
    if (this.size === 0) return;
    if (!this.source.readable) return this.endAll("not_ready");
    if (this.source.isForked) return this.endAll("forked");
    const now_ms = this.ports.now();
    const { connected, lastSequence } = this.source;
    for (const watcher of this.#streams.keys()) {
      // While the log is away, nobody knows where it ends.
      if (!connected || watcher.after <= lastSequence) {
        watcher.aheadSince_ms = now_ms;
      } else if (now_ms - watcher.aheadSince_ms >= this.commitTimeout_ms) {
        this.#end(watcher, "ahead");
        continue;
      }
      if (!watcher.isHungry) {
        const isStalled = now_ms - watcher.tookAt_ms >= STALLED_MS &&
          watcher.missed > MISSED_MAX;
        if (isStalled) this.#end(watcher, "slow");
      } else if (now_ms >= watcher.commentAt_ms) {
        watcher.commentAt_ms = now_ms + COMMENT_INTERVAL_MS;
        this.#give(watcher, watcher.comment(this.#head));
      }
    }
  }

  /** Changes have come. On the hot path of sets. */
  #changed(): void {
    if (this.#streams.size === 0) return;
    const { end, gaps } = this.changes;
    const isLate = end - this.#head.change >= STEP_CHANGES_MAX;
    if (isLate || gaps !== this.#gaps) this.#steps.now();
    else this.#steps.soon();
  }

  /** Tells all who wait what has come; returns how many were told something. */
  #step(): number {
    if (this.changes.gaps !== this.#gaps) {
      this.endAll("gap");
      this.#moveHead();
      return 0;
    }
    const from = this.#head.change;
    this.#moveHead();
    this.#users.note(this.changes, from, this.#head.change);
    let told = 0;
    for (const watcher of this.#streams.keys()) {
      if (watcher.isHungry) {
        if (watcher.noted(this.#head)) this.#serve(watcher);
        if (!watcher.isHungry) told++;
      } else if (watcher.userIds === undefined) {
        watcher.missed += this.#head.change - from;
      }
    }
    return told;
  }

  #moveHead(): void {
    const { end, sequence, gaps } = this.changes;
    this.#head = { change: end, sequence };
    this.#gaps = gaps;
  }

  /** Gives a watcher what there is; it is hungry if there is nothing. */
  #serve(watcher: Watcher): void {
    if (watcher.isBehind) return this.#end(watcher, "slow");
    const told = watcher.take(this.#head, this.#shared);
    if (told === undefined) watcher.isHungry = true;
    else this.#give(watcher, told);
  }

  #give(watcher: Watcher, { bytes, events }: Told): void {
    watcher.isHungry = false;
    watcher.missed = 0;
    watcher.tookAt_ms = this.ports.now();
    this.counts.events += events;
    this.#streams.get(watcher)!.enqueue(bytes);
  }

  #end(watcher: Watcher, reason: EndReason): void {
    const controller = this.#streams.get(watcher)!;
    this.#remove(watcher);
    this.counts.ends[reason]++;
    const detail = endDetail(reason, {
      after: watcher.after,
      lastSequence: this.source.lastSequence,
    });
    controller.enqueue(encoder.encode(endText(reason, detail)));
    // While it takes the event, the runtime may see that the client has gone.
    if (!watcher.hasLeft) controller.close();
  }

  /** @returns Whether it was there. */
  #remove(watcher: Watcher): boolean {
    this.#users.remove(watcher);
    return this.#streams.delete(watcher);
  }
}
