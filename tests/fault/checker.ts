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
import { checkWatches } from "./watch_checks.ts";

/** A promise that was broken. */
export interface Violation {
  readonly promise:
    /** An acknowledged change is in the log, at the sequence of its answer. */
    | "acknowledged changes are stored"
    | "a change's answer is what it left"
    /** 503: it is in the log nowhere. */
    | "refused changes are not stored"
    /** 504 or no answer: it is there once or not at all; 200: once. */
    | "no change is stored twice"
    /** The log holds what clients sent, and nothing else. */
    | "the log holds what was sent"
    /** A change that was asked after another's answer is later in the log. */
    | "the log keeps the order of time"
    | "a get's answer is the record at its sequence"
    /** Whatever was answered before a get was asked, it shows that or later. */
    | "gets never go back"
    /** It has what that replica had acknowledged before it was asked for. */
    | "a snapshot that is asked for is the state then or later"
    | "a kept snapshot is the log's state at its sequence"
    | "all replicas end with the log's state"
    /** No mark, and no fence, where the broker has everything. */
    | "a log is healed no more often than it has lost something"
    /** From each sequence on that it began at, with none left out. */
    | "a watcher is told each change once, in the log's order";
  readonly detail: string;
}

/**
 * @param history All that was asked and answered.
 * @param log The log at the end.
 * @param finals What each replica has at the end.
 * @param kept The snapshots that are kept at the end.
 * @param losses How often the broker lost something.
 * @returns Every promise that was broken; empty if all were kept.
 */
export function check(
  history: History,
  log: LogModel,
  finals: readonly FinalState[],
  kept: readonly KeptSnapshot[],
  losses: number,
): Violation[] {
  return [
    ...checkChanges(history, log),
    ...checkLog(history, log),
    ...checkOrder(history, log),
    ...checkGets(history, log),
    ...checkMonotony(history, log),
    ...checkRequested(history, log),
    ...checkKept(kept, log),
    ...checkWatches(history, log),
    ...checkFinals(finals, log),
    ...checkHealings(log, losses),
  ];
}

function* checkChanges(
  { changes }: History,
  log: LogModel,
): Generator<Violation> {
  for (const { outcome, change, replica } of changes) {
    const places = log.placed.get(change[MARKER]) ?? [];
    const detail = `${JSON.stringify(change)} by replica ${replica}: ` +
      `${JSON.stringify(outcome)}, in the log at [${
        places.map(({ sequence }) => sequence).join(", ")
      }]`;
    if (places.length > 1) {
      yield { promise: "no change is stored twice", detail };
    }
    if (outcome.type === "refused" && places.length > 0) {
      yield { promise: "refused changes are not stored", detail };
    }
    if (outcome.type !== "acknowledged") continue;
    const place = places.find(({ sequence }) => sequence === outcome.sequence);
    if (place === undefined) {
      yield { promise: "acknowledged changes are stored", detail };
    } else if (!isDeepStrictEqual(outcome.left, place.left)) {
      yield {
        promise: "a change's answer is what it left",
        detail: `${detail}, where it left ${JSON.stringify(place.left)}`,
      };
    }
  }
}

function* checkLog({ changes }: History, log: LogModel): Generator<Violation> {
  const sent = new Map(changes.map(({ change }) => [change[MARKER], change]));
  for (const places of log.placed.values()) {
    for (const { change, sequence } of places) {
      if (isProbe(log, sequence)) continue;
      if (!isDeepStrictEqual(change, sent.get(change[MARKER]!))) {
        yield {
          promise: "the log holds what was sent",
          detail: `entry ${sequence} has ${JSON.stringify(change)}`,
        };
      }
    }
  }
}

/**
 * Whether an entry is a replica's own, which tries whether sets commit: it sets
 * no field of a user whom the entry before has set, so nothing changes.
 */
function isProbe(log: LogModel, sequence: number): boolean {
  const [change, ...others] = log.entries[sequence - 1];
  const { user_id } = change;
  const before = log.entries[sequence - 2] ?? [];
  return others.length === 0 && isDeepStrictEqual(change, { user_id }) &&
    before.some((one) => one.user_id === user_id) &&
    log.at(user_id, sequence - 1) !== undefined;
}

function* checkOrder(
  { changes }: History,
  log: LogModel,
): Generator<Violation> {
  const known = new Frontier(acknowledgements(changes));
  for (const { change, asked_ms } of byAsked(changes)) {
    const before = known.before(asked_ms);
    for (const { sequence } of log.placed.get(change[MARKER]) ?? []) {
      if (sequence > before) continue;
      yield {
        promise: "the log keeps the order of time",
        detail: `${
          JSON.stringify(change)
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
      isDeepStrictEqual(found.grade, truth ?? null)
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
  { changes, gets }: History,
  log: LogModel,
): Generator<Violation> {
  const ofReplica = Map.groupBy(gets, ({ replica }) => replica);
  for (const [replica, own] of ofReplica) {
    const known = new Frontier([
      ...acknowledgements(changes.filter((one) => one.replica === replica)),
      ...own.flatMap(({ answered_ms, found }) =>
        found ? [{ time_ms: answered_ms, sequence: found.sequence }] : []
      ),
    ]);
    for (const { user, asked_ms, found } of byAsked(own)) {
      const before = known.before(asked_ms);
      const isBack = found !== undefined
        ? found.sequence < before
        // A 404 has no sequence: was there no user at any time since?
        : !log.isAbsent(user, before);
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

/** An entry that changes nothing is a fence or a mark: clients send none. */
function* checkHealings(
  { entries }: LogModel,
  losses: number,
): Generator<Violation> {
  const healed = entries.flatMap(({ length }, i) =>
    length === 0 ? [i + 1] : []
  );
  if (healed.length <= losses) return;
  yield {
    promise: "a log is healed no more often than it has lost something",
    detail: `it lost something ${losses} times, and entries [${
      healed.slice(0, 5).join(", ")
    }] are fences or marks`,
  };
}
