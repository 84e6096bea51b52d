/**
 * How far compaction is: what was seen, written and asked for, and what went
 * wrong. It turns that into the next step, and what came of a step into that.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { UnavailableError } from "../errors.ts";
import { SnapshotsForbiddenError } from "../snapshot/store.ts";
import { backingOff, nextStep, noteWanted } from "./compaction.ts";
import type { CompactionCalls } from "./compaction_calls.ts";
import type {
  CompactionFacts,
  CompactionPlace,
  CompactionPolicy,
  CompactionSituation,
  Step,
} from "./compaction_facts.ts";
import type { CompactionLook } from "./compaction_look.ts";
import { CompactionRequests, NoPlaceError } from "./compaction_requests.ts";
import { CompactionSight } from "./compaction_sight.ts";
import type { StepOutcome } from "./compaction_steps.ts";
import { CompactionTroubles } from "./compaction_troubles.ts";

const logger = getLogger(["usergrade", "compaction"]);

/** How often the store is looked at, for what other replicas do. */
export const LOOK_MS = 10_000;

/** What compaction is for. */
export interface CompactionOptions {
  /** Names the store in log lines, as in "the folder /backups". */
  readonly name: string;
  readonly place: CompactionPlace;
  readonly policy: CompactionPolicy;
}

/** The time now. */
export type CompactionTime = Pick<CompactionFacts, "now_ms" | "date_ms">;

/** What is known between steps. */
export class CompactionProgress {
  readonly sight: CompactionSight;
  readonly requests = new CompactionRequests();
  readonly troubles: CompactionTroubles;
  #wantedSince: ReadonlyMap<string, number> = new Map();
  #lastWrite: CompactionFacts["lastWrite"];
  /** The name of the newest snapshot, and since when it has been the newest. */
  #newest: { readonly id: string; readonly since_ms: number } | undefined;

  /** @param calls Reach the store and the log. */
  constructor(
    private readonly options: CompactionOptions,
    calls: CompactionCalls,
  ) {
    this.troubles = new CompactionTroubles(options.name);
    this.sight = new CompactionSight(
      calls,
      this.requests,
      {
        misfits: ({ info }, reason) =>
          logger.warn(
            "The snapshot at sequence {sequence} in {place} is left alone: {reason}",
            { sequence: info.sequence, place: options.name, reason },
          ),
        removed: (count, upTo) =>
          logger.warn(
            "{count} entries up to entry {upTo} were removed from the middle of the log: no replica starts without a snapshot in {place} that includes them. {remedy}",
            {
              count,
              upTo,
              place: options.name,
              remedy: options.policy.logBytes === 0
                ? "Make two with POST /snapshot, since SNAPSHOT_LOG_BYTES is 0"
                : "They are made now",
            },
          ),
      },
    );
  }

  /**
   * Whether a look may find something to do.
   *
   * @param situation The replica, which is not blocked.
   */
  isWorthALook(situation: CompactionSituation, time: CompactionTime): boolean {
    const { now_ms } = time;
    const { isHurried } = this.requests;
    const { failure } = this.troubles;
    if (backingOff({ now_ms, failure, isHurried })) return false;
    const { last } = this.sight;
    return isHurried || last === undefined ||
      now_ms - last.at_ms >= LOOK_MS ||
      this.next(last, situation, time).type !== "none";
  }

  /** The replica can't act now: what was wanted counts anew afterwards. */
  blocked(reason: string): void {
    this.#wantedSince = new Map();
    if (this.requests.isHurried) this.requests.refuse(unable(reason));
  }

  /** @returns The next step, by what was seen in a look. */
  next(
    { firstSequence, lastSequence, removedTo, beginsUnproven }: CompactionLook,
    situation: CompactionSituation,
    time: CompactionTime,
  ): Step {
    const { place } = this.options;
    const facts: CompactionFacts = {
      ...situation,
      ...time,
      place,
      policy: this.options.policy,
      snapshots: this.sight.snapshots,
      firstSequence,
      lastSequence,
      removedTo,
      // The first entry of a log that was empty has come since the look.
      beginsUnproven: beginsUnproven ??
        (place.isShared && situation.appliedSequence >= firstSequence),
      isRequested: this.requests.isRequested,
      isHurried: this.requests.isHurried,
      failure: this.troubles.failure,
      lastWrite: this.#lastWrite,
      newestSince_ms: this.#newestSince_ms(time.now_ms),
      wantedSince: this.#wantedSince,
    };
    this.#wantedSince = noteWanted(facts);
    return nextStep({ ...facts, wantedSince: this.#wantedSince });
  }

  #newestSince_ms(now_ms: number): number | undefined {
    const id = this.sight.newest?.id;
    if (id !== this.#newest?.id) {
      this.#newest = id === undefined ? undefined : { id, since_ms: now_ms };
    }
    return this.#newest?.since_ms;
  }

  /** A step was done. */
  done(outcome: StepOutcome, now_ms: number): void {
    switch (outcome.type) {
      case "written": {
        const { snapshot: { id }, took_ms } = outcome;
        this.sight.written(id);
        this.requests.written(id);
        this.#lastWrite = { id, endedAt_ms: now_ms, took_ms };
        return;
      }
      case "verified":
        this.sight.read(outcome.snapshot.id);
        this.requests.verified(outcome.snapshot);
        return this.troubles.over();
      case "trimmed":
        return this.troubles.over();
      case "gone":
        return this.requests.gone(outcome.id);
      case "misfit":
        this.sight.disown(outcome.id);
        return this.troubles.misfit();
      case "deleted":
        return;
    }
  }

  /** Nothing is to be done now. */
  rests(step: Extract<Step, { type: "none" }>): void {
    this.troubles.obstructed(step.isProblem ? step.reason : undefined);
    // Another replica may have done what failed here.
    if (step.isDone) this.troubles.settled();
    // All that can be done for them was done.
    this.requests.refuse(unable(step.reason));
  }

  /**
   * A step has failed.
   *
   * @param step Undefined if it was the look.
   * @param askedUpTo The order of the last one who had asked for a snapshot when
   * it began.
   */
  failed(
    step: Step | undefined,
    error: Error,
    askedUpTo: number,
    now_ms: number,
  ): void {
    const isForbidden = error instanceof SnapshotsForbiddenError;
    if (step?.type === "verify" && !isForbidden) {
      this.sight.unread(step.snapshot.id, error);
    }
    this.troubles.failed(step?.type ?? "look", error, now_ms);
    const isTidying = step?.type === "delete" || step?.type === "trim" ||
      step?.type === "verify" && step.snapshot.isVerified;
    // Whoever asks for a snapshot does not need that: theirs comes next.
    if (isTidying && this.requests.isRequested) return;
    const ErrorClass = isForbidden ? NoPlaceError : UnavailableError;
    this.requests.fail(
      new ErrorClass(
        `No snapshot was made in ${this.options.name}: ${error.message}`,
        { cause: error },
      ),
      askedUpTo,
    );
  }
}

/** @returns The error of requests that no snapshot can be made for. */
export function unable(reason: string): UnavailableError {
  return new UnavailableError(`No snapshot can be made now: ${reason}`);
}
