/**
 * Holds what clients were told against the log and the final states. It does
 * no I/O.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import { acknowledgements, byAsked, Frontier } from "./frontier.ts";
import type { FinalState, History, KeptSnapshot } from "./history.ts";
import { MARKER } from "./history.ts";
import type { LogModel } from "./log_model.ts";
import { checkKept, checkRequested } from "./snapshot_checks.ts";

/** A promise that was broken. */
export interface Violation {
  readonly promise:
    /** An acknowledged set is in the log, at the sequence of its answer. */
    | "acknowledged sets are stored"
    | "a set's answer is the record right after it"
    /** 503: it is in the log nowhere. */
    | "refused sets are not stored"
    /** 504 or no answer: it is there once or not at all; 200: once. */
    | "no set is stored twice"
    /** The log holds what clients sent, and nothing else. */
    | "the log holds what was sent"
    /** A set that was asked after another's answer is later in the log. */
    | "the log keeps the order of time"
    | "a get's answer is the record at its sequence"
    /** Whatever was answered before a get was asked, it shows that or later. */
    | "gets never go back"
    /** It has what that replica had acknowledged before it was asked for. */
    | "a snapshot that is asked for is the state then or later"
    | "a kept snapshot is the log's state at its sequence"
    | "all replicas end with the log's state";
  readonly detail: string;
}

/**
 * @param history All that was asked and answered.
 * @param log The log at the end.
 * @param finals What each replica has at the end.
 * @param kept The snapshots that are kept at the end.
 * @returns Every promise that was broken; empty if all were kept.
 */
export function check(
  history: History,
  log: LogModel,
  finals: readonly FinalState[],
  kept: readonly KeptSnapshot[],
): Violation[] {
  return [
    ...checkSets(history, log),
    ...checkLog(history, log),
    ...checkOrder(history, log),
    ...checkGets(history, log),
    ...checkMonotony(history, log),
    ...checkRequested(history, log),
    ...checkKept(kept, log),
    ...checkFinals(finals, log),
  ];
}

function* checkSets({ sets }: History, log: LogModel): Generator<Violation> {
  for (const set of sets) {
    const { outcome, patch, replica } = set;
    const places = log.placed.get(patch[MARKER]) ?? [];
    const detail = `set ${JSON.stringify(patch)} by replica ${replica}: ` +
      `${JSON.stringify(outcome)}, in the log at [${
        places.map(({ sequence }) => sequence).join(", ")
      }]`;
    if (places.length > 1) yield { promise: "no set is stored twice", detail };
    if (outcome.type === "refused" && places.length > 0) {
      yield { promise: "refused sets are not stored", detail };
    }
    if (outcome.type !== "acknowledged") continue;
    const place = places.find(({ sequence }) => sequence === outcome.sequence);
    if (place === undefined) {
      yield { promise: "acknowledged sets are stored", detail };
    } else if (!isDeepStrictEqual(outcome.grade, place.grade)) {
      yield {
        promise: "a set's answer is the record right after it",
        detail: `${detail}, where it is ${JSON.stringify(place.grade)}`,
      };
    }
  }
}

function* checkLog({ sets }: History, log: LogModel): Generator<Violation> {
  const sent = new Map(sets.map(({ patch }) => [patch[MARKER], patch]));
  for (const places of log.placed.values()) {
    for (const { patch, sequence } of places) {
      if (isProbe(log, sequence)) continue;
      if (!isDeepStrictEqual(patch, sent.get(patch[MARKER]!))) {
        yield {
          promise: "the log holds what was sent",
          detail: `entry ${sequence} has ${JSON.stringify(patch)}`,
        };
      }
    }
  }
}

/**
 * Whether an entry is a replica's own, which tries whether sets commit: it sets
 * no field of the user whom the entry before has set last, so nothing changes.
 */
function isProbe({ entries }: LogModel, sequence: number): boolean {
  const [patch, ...others] = entries[sequence - 1];
  const before = entries[sequence - 2]?.at(-1);
  return others.length === 0 && before !== undefined &&
    isDeepStrictEqual(patch, { user_id: before.user_id });
}

function* checkOrder({ sets }: History, log: LogModel): Generator<Violation> {
  const known = new Frontier(acknowledgements(sets));
  for (const { patch, asked_ms } of byAsked(sets)) {
    const before = known.before(asked_ms);
    for (const { sequence } of log.placed.get(patch[MARKER]) ?? []) {
      if (sequence > before) continue;
      yield {
        promise: "the log keeps the order of time",
        detail: `set ${
          JSON.stringify(patch)
        } is entry ${sequence}, and was sent after entry ${before} was acknowledged`,
      };
    }
  }
}

function* checkGets({ gets }: History, log: LogModel): Generator<Violation> {
  for (const { user, replica, found } of gets) {
    if (found === undefined) continue;
    const truth = log.at(user, found.sequence);
    if (
      found.sequence <= log.lastSequence &&
      isDeepStrictEqual(found.grade, truth)
    ) continue;
    yield {
      promise: "a get's answer is the record at its sequence",
      detail: `replica ${replica} said ${JSON.stringify(found)}, and it is ${
        JSON.stringify(truth)
      }`,
    };
  }
}

/**
 * A replica knows what it has answered, and after a new start it is ready only
 * when it has all that the log had then: so it never goes back, from one
 * process to the next either.
 */
function* checkMonotony(
  { sets, gets }: History,
  log: LogModel,
): Generator<Violation> {
  const ofReplica = Map.groupBy(gets, ({ replica }) => replica);
  for (const [replica, own] of ofReplica) {
    const known = new Frontier([
      ...acknowledgements(sets.filter((set) => set.replica === replica)),
      ...own.flatMap(({ answered_ms, found }) =>
        found ? [{ time_ms: answered_ms, sequence: found.sequence }] : []
      ),
    ]);
    for (const { user, asked_ms, found } of byAsked(own)) {
      const before = known.before(asked_ms);
      const isBack = found !== undefined
        ? found.sequence < before
        // A 404 has no sequence; no user ever goes.
        : log.at(user, before) !== undefined;
      if (!isBack) continue;
      yield {
        promise: "gets never go back",
        detail: `replica ${replica} answered ${
          found ? `at ${found.sequence}` : `404 for ${user}`
        } what was asked after it had answered at ${before}`,
      };
    }
  }
}

function* checkFinals(
  finals: readonly FinalState[],
  log: LogModel,
): Generator<Violation> {
  const promise = "all replicas end with the log's state";
  for (const { replica, sequence, digest, users } of finals) {
    if (sequence !== log.lastSequence || digest !== log.digest) {
      yield {
        promise,
        detail:
          `replica ${replica} ends at ${sequence} with digest ${digest}, the log at ${log.lastSequence} with ${log.digest}`,
      };
    }
    for (const [user, grade] of users) {
      const truth = log.at(user, log.lastSequence);
      if (isDeepStrictEqual(grade, truth)) continue;
      yield {
        promise,
        detail: `replica ${replica} ends with ${
          JSON.stringify(grade)
        } for ${user}, the log with ${JSON.stringify(truth)}`,
      };
    }
  }
}
