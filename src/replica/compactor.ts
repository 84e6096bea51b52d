/**
 * Compaction at work: one step after the other, for one store of snapshots and
 * the log.
 *
 * @module
 */
import type { UnavailableError } from "../errors.ts";
import { CompactionCalls, type CompactionPorts } from "./compaction_calls.ts";
import type {
  CompactionSituation,
  Step,
  WorkStep,
} from "./compaction_facts.ts";
import type { CompactionLook } from "./compaction_look.ts";
import {
  type CompactionOptions,
  CompactionProgress,
  type CompactionTime,
  unable,
} from "./compaction_progress.ts";
import type { MadeSnapshot } from "./compaction_requests.ts";
import { perform } from "./compaction_steps.ts";
import { giveUpUnlisted } from "./snapshot_steps.ts";

/** How often the next step is considered. */
const CONSIDER_MS = 250;

/** What a compactor needs of its service. */
export interface CompactorPorts extends CompactionPorts {
  /** The replica and its cluster now, and the log's identity once it is open. */
  situation(): CompactionSituation & { readonly logId: string | undefined };
  /** The date, as `Date.now()`. */
  date(): number;
}

/** Keeps the snapshots of one store, and cuts the log behind them. */
export class Compactor {
  readonly #stopping = new AbortController();
  readonly #calls: CompactionCalls;
  readonly #progress: CompactionProgress;
  #considerAt_ms = -Infinity;
  #turn: Promise<void> | undefined;

  constructor(
    private readonly options: CompactionOptions,
    private readonly ports: CompactorPorts,
  ) {
    this.#calls = new CompactionCalls(ports, this.#stopping.signal);
    this.#progress = new CompactionProgress(options, this.#calls);
  }

  /** Names the place. */
  get name(): string {
    return this.options.name;
  }

  /** Whether a step is under way. */
  get isBusy(): boolean {
    return this.#turn !== undefined;
  }

  /** The newest snapshot that was read back whole; null before the first. */
  get newest(): {
    readonly sequence: number;
    readonly time: string | null;
    readonly bytes: number;
  } | null {
    const { newest } = this.#progress.sight;
    return newest === undefined ? null : {
      sequence: newest.info.sequence,
      time: newest.info.time,
      bytes: newest.bytes,
    };
  }

  /** Why no snapshot is made at present; undefined if all is well. */
  get problem(): string | undefined {
    return this.#progress.troubles.problem;
  }

  /** How many steps have failed. */
  get failures(): number {
    return this.#progress.troubles.count;
  }

  /** How many bytes of log came after the newest snapshot. */
  get logBytesSince(): number {
    return this.ports.situation().logBytesSince(this.newest?.sequence ?? 0);
  }

  /**
   * Makes a snapshot of the state at the time of the call, or of a later one.
   *
   * @returns What was made, once it was read back whole. It is finished even if
   * the caller stops waiting.
   * @throws {NoPlaceError} If the store may not be used.
   * @throws {UnavailableError} If none can be made now; the message says why.
   */
  make(): Promise<MadeSnapshot> {
    if (this.#stopping.signal.aborted) return Promise.reject(stopped());
    return this.#progress.requests.add();
  }

  /**
   * Does what is to be done. Call it a few times a second.
   *
   * @param mayBegin Whether a step may begin now.
   */
  tick(now_ms: number, mayBegin: boolean): void {
    this.#calls.tick(now_ms);
    if (
      this.isBusy || !mayBegin || this.#stopping.signal.aborted ||
      now_ms < this.#considerAt_ms && !this.#progress.requests.isRequested
    ) return;
    this.#considerAt_ms = now_ms + CONSIDER_MS;
    if (!this.#isWorthALook(now_ms)) return;
    this.#turn = this.#work().finally(() => this.#turn = undefined);
  }

  #isWorthALook(now_ms: number): boolean {
    const situation = this.ports.situation();
    const { blocked, logId } = situation;
    if (blocked !== undefined || logId === undefined) {
      this.#progress.blocked(blocked ?? "the log is not open");
      return false;
    }
    return this.#progress.isWorthALook(situation, this.#time(now_ms));
  }

  /** Does steps until none is to be done. */
  async #work(): Promise<void> {
    const { requests } = this.#progress;
    let step: Step | undefined;
    let written: string | undefined;
    // What began before someone asked says nothing about what they want.
    let askedUpTo = 0;
    try {
      do {
        step = undefined;
        askedUpTo = requests.last;
        // What others did meanwhile may have made the step needless.
        const look = await this.#lookAgain();
        if (look === undefined) return;
        askedUpTo = requests.last;
        if (written !== undefined && !isListed(written, look)) {
          await giveUpUnlisted(written, this.#calls);
        }
        step = this.#progress.next(
          look,
          this.ports.situation(),
          this.#time(this.ports.now()),
        );
        if (step.type !== "none") written = await this.#do(step);
      } while (step.type !== "none");
      this.#progress.rests(step);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      this.#progress.failed(step, error as Error, askedUpTo, this.ports.now());
    }
  }

  async #lookAgain(): Promise<CompactionLook | undefined> {
    const { logId } = this.ports.situation();
    if (logId === undefined) return undefined;
    const { sight, troubles } = this.#progress;
    const look = await sight.look(logId, this.ports.now());
    troubles.allowed("look");
    return look;
  }

  /** @returns The id of the snapshot that was written, if that was the step. */
  async #do(step: WorkStep): Promise<string | undefined> {
    if (step.type === "write") this.#progress.requests.begin();
    const situation = this.ports.situation();
    const outcome = await perform(step, this.#calls, {
      name: this.options.name,
      logId: situation.logId!,
      logBytesSince: situation.logBytesSince,
      now: () => this.ports.now(),
    });
    this.#progress.troubles.allowed(step.type);
    this.#progress.done(outcome, this.ports.now());
    return outcome.type === "written" ? outcome.snapshot.id : undefined;
  }

  #time(now_ms: number): CompactionTime {
    return { now_ms, date_ms: this.ports.date() };
  }

  /** A snapshot turned out to be damaged: it does not count any more. */
  doubt(id: string): void {
    this.#progress.sight.doubt(id);
  }

  /** Ends the step under way, whose snapshot is not kept, and begins none. */
  async stop(): Promise<void> {
    this.#stopping.abort(stopped());
    this.#progress.requests.refuse(stopped());
    await this.#turn;
  }
}

function stopped(): UnavailableError {
  return unable("the service is stopping");
}

function isListed(id: string, { snapshots }: CompactionLook): boolean {
  return snapshots.some((snapshot) => snapshot.id === id);
}
