/**
 * Holds snapshots against the log. It does no I/O.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import type { Violation } from "./checker.ts";
import { acknowledgements, byAsked, Frontier } from "./frontier.ts";
import type { History, KeptSnapshot } from "./history.ts";
import type { LogModel } from "./log_model.ts";

/** Holds the snapshots that were asked for against the log. */
export function* checkRequested(
  { changes, snapshots }: History,
  log: LogModel,
): Generator<Violation> {
  const ofReplica = Map.groupBy(snapshots, ({ replica }) => replica);
  for (const [replica, own] of ofReplica) {
    const known = new Frontier(
      acknowledgements(changes.filter((one) => one.replica === replica)),
    );
    for (const { asked_ms, sequence, rows } of byAsked(own)) {
      const before = known.before(asked_ms);
      const truth = log.stateAt(sequence).length;
      if (
        before <= sequence && sequence <= log.lastSequence && rows === truth
      ) {
        continue;
      }
      yield {
        promise: "a snapshot that is asked for is the state then or later",
        detail:
          `replica ${replica} made one of ${rows} users at ${sequence}, where the log has ${truth}; it had acknowledged ${before}`,
      };
    }
  }
}

/** Holds the snapshots that are kept at the end against the log. */
export function* checkKept(
  kept: readonly KeptSnapshot[],
  log: LogModel,
): Generator<Violation> {
  for (const { name, sequence, users } of kept) {
    const truth = log.stateAt(sequence);
    const byId = users.toSorted((a, b) => a.user_id < b.user_id ? -1 : 1);
    if (sequence <= log.lastSequence && isDeepStrictEqual(byId, truth)) {
      continue;
    }
    yield {
      promise: "a kept snapshot is the log's state at its sequence",
      detail:
        `${name} has ${users.length} users, the log at ${sequence} has ${truth.length}, or other records`,
    };
  }
}
