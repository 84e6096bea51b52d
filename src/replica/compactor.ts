/**
 * Compaction at work: one step after the other, for one store of snapshots and
 * the log.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { UnavailableError } from "../errors.ts";
import { SnapshotsForbiddenError } from "../snapshot/store.ts";
import { backingOff, nextStep, noteWanted } from "./compaction.ts";
import { CompactionCalls, type CompactionPorts } from "./compaction_calls.ts";
import type {
  CompactionFacts,
  CompactionPlace,
  CompactionPolicy,
  CompactionSituation,
  Step,
  WorkStep,
} from "./compaction_facts.ts";
import type { CompactionLook } from "./compaction_look.ts";
import {
  CompactionRequests,
  type MadeSnapshot,
  NoPlaceError,
} from "./compaction_requests.ts";
import { CompactionSight } from "./compaction_sight.ts";
import { perform, type StepOutcome } from "./compaction_steps.ts";
import { CompactionTroubles } from "./compaction_troubles.ts";

const logger = getLogger(["usergrade", "compaction"]);

/** How often the next step is considered. */
const CONSIDER_MS = 250;

/** How often the store is looked at, for what other replicas do. */
export const LOOK_MS = 10_000;

/** What a compactor is for. */
export interface CompactorOptions {
  /** Names the store in log lines, as in "the folder /backups". */
  readonly name: string;
  readonly place: CompactionPlace;
  readonly policy: CompactionPolicy;
}

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
  readonly #sight: CompactionSight;
  readonly #requests = new CompactionRequests();
  readonly #troubles: CompactionTroubles;
  #wantedSince: ReadonlyMap<string, number> = new Map();
  #lastWrite: CompactionFacts["lastWrite"];
  #considerAt_ms = -Infinity;
  #turn: Promise<void> | undefined;

  constructor(
    private readonly options: CompactorOptions,
    private readonly ports: CompactorPorts,
  ) {
    this.#troubles = new CompactionTroubles(options.name);
    this.#calls = new CompactionCalls(ports, this.#stopping.signal);
    this.#sight = new CompactionSight(
      this.#calls,
      this.#requests,
      ({ info }, reason) =>
        logger.warn(
          "The snapshot at sequence {sequence} in {place} is left alone: {reason}",
          { sequence: info.sequence, place: options.name, reason },
        ),
    );
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
    const { newest } = this.#sight;
    return newest === undefined ? null : {
      sequence: newest.info.sequence,
      time: newest.info.time,
      bytes: newest.bytes,
    };
  }

  /** Why no snapshot is made at present; undefined if all is well. */
  get problem(): string | undefined {
    return this.#troubles.problem;
  }

  /** How many steps have failed. */
  get failures(): number {
    return this.#troubles.count;
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
    return this.#requests.add();
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
      now_ms < this.#considerAt_ms && !this.#requests.isRequested
    ) return;
    this.#considerAt_ms = now_ms + CONSIDER_MS;
    if (!this.#isWorthALook(now_ms)) return;
    this.#turn = this.#work().finally(() => this.#turn = undefined);
  }

  #isWorthALook(now_ms: number): boolean {
    const situation = this.ports.situation();
    const { blocked, logId } = situation;
    if (blocked !== undefined || logId === undefined) {
      this.#wantedSince = new Map();
      if (this.#requests.isHurried) {
        this.#requests.refuse(unable(blocked ?? "the log is not open"));
      }
      return false;
    }
    const { isHurried } = this.#requests;
    const { failure } = this.#troubles;
    if (backingOff({ now_ms, failure, isHurried })) return false;
    const { last } = this.#sight;
    return isHurried || last === undefined ||
      now_ms - last.at_ms >= LOOK_MS ||
      this.#decide(last, situation).type !== "none";
  }

  /** Does steps until none is to be done. */
  async #work(): Promise<void> {
    let step: Step | undefined;
    // What began before someone asked says nothing about what they want.
    let askedUpTo = 0;
    try {
      do {
        step = undefined;
        askedUpTo = this.#requests.last;
        // What others did meanwhile may have made the step needless.
        const look = await this.#lookAgain();
        if (look === undefined) return;
        askedUpTo = this.#requests.last;
        step = this.#decide(look, this.ports.situation());
        if (step.type !== "none") await this.#do(step);
      } while (step.type !== "none");
      this.#troubles.obstructed(step.isProblem ? step.reason : undefined);
      // Another replica may have done what failed here.
      if (step.isDone) this.#troubles.settled();
      // All that can be done for them was done.
      this.#requests.refuse(unable(step.reason));
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      this.#failed(step, error as Error);
      const isTidying = step?.type === "delete" || step?.type === "trim" ||
        step?.type === "verify" && step.snapshot.isVerified;
      // Whoever asks for a snapshot does not need that: theirs comes next.
      if (isTidying && this.#requests.isRequested) return;
      this.#failRequest(error as Error, askedUpTo);
    }
  }

  async #lookAgain(): Promise<CompactionLook | undefined> {
    const { logId } = this.ports.situation();
    if (logId === undefined) return undefined;
    const look = await this.#sight.look(logId, this.ports.now());
    this.#troubles.allowed("look");
    return look;
  }

  /** A snapshot turned out to be damaged: it does not count any more. */
  doubt(id: string): void {
    this.#sight.doubt(id);
  }

  #decide(
    { firstSequence, lastSequence }: CompactionLook,
    situation: CompactionSituation,
  ): Step {
    const facts: CompactionFacts = {
      ...situation,
      now_ms: this.ports.now(),
      date_ms: this.ports.date(),
      place: this.options.place,
      policy: this.options.policy,
      snapshots: this.#sight.snapshots,
      firstSequence,
      lastSequence,
      isRequested: this.#requests.isRequested,
      isHurried: this.#requests.isHurried,
      failure: this.#troubles.failure,
      lastWrite: this.#lastWrite,
      wantedSince: this.#wantedSince,
    };
    this.#wantedSince = noteWanted(facts);
    return nextStep({ ...facts, wantedSince: this.#wantedSince });
  }

  async #do(step: WorkStep): Promise<void> {
    if (step.type === "write") this.#requests.begin();
    const situation = this.ports.situation();
    const outcome = await perform(step, this.#calls, {
      name: this.options.name,
      logId: situation.logId!,
      logBytesSince: situation.logBytesSince,
      now: () => this.ports.now(),
    });
    this.#troubles.allowed(step.type);
    this.#take(outcome);
  }

  #take(outcome: StepOutcome): void {
    switch (outcome.type) {
      case "written": {
        const { snapshot: { id }, took_ms } = outcome;
        this.#sight.written(id);
        this.#requests.written(id);
        this.#lastWrite = { endedAt_ms: this.ports.now(), took_ms };
        return;
      }
      case "verified":
        this.#sight.read(outcome.snapshot.id);
        this.#requests.verified(outcome.snapshot);
        return this.#troubles.over();
      case "trimmed":
        return this.#troubles.over();
      case "gone":
        return this.#requests.gone(outcome.id);
      case "misfit":
        this.#sight.disown(outcome.id);
        return this.#troubles.misfit();
      case "deleted":
        return;
    }
  }

  #failed(step: Step | undefined, error: Error): void {
    const isForbidden = error instanceof SnapshotsForbiddenError;
    if (step?.type === "verify" && !isForbidden) {
      this.#sight.unread(step.snapshot.id, error);
    }
    this.#troubles.failed(step?.type ?? "look", error, this.ports.now());
  }

  #failRequest(error: Error, upTo: number): void {
    const ErrorClass = error instanceof SnapshotsForbiddenError
      ? NoPlaceError
      : UnavailableError;
    this.#requests.fail(
      new ErrorClass(
        `No snapshot was made in ${this.options.name}: ${error.message}`,
        { cause: error },
      ),
      upTo,
    );
  }

  /** Ends the step under way, whose snapshot is not kept, and begins none. */
  async stop(): Promise<void> {
    this.#stopping.abort(stopped());
    this.#requests.refuse(stopped());
    await this.#turn;
  }
}

function unable(reason: string): UnavailableError {
  return new UnavailableError(`No snapshot can be made now: ${reason}`);
}

function stopped(): UnavailableError {
  return unable("the service is stopping");
}
