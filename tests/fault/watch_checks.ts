/**
 * Holds what watchers were told against the log. It does no I/O.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import type { ChangeOutcome } from "../../src/user_grade.ts";
import type { Violation } from "./checker.ts";
import type { History, WatchedEntry, WatchRecord } from "./history.ts";
import type { LogModel } from "./log_model.ts";

/** Holds all watches against the log: each has all that it had to be told. */
export function* checkWatches(
  { watches }: History,
  log: LogModel,
): Generator<Violation> {
  for (const watch of watches) {
    const difference = firstDifference(watch, log);
    if (difference === undefined) continue;
    yield {
      promise: "a watcher is told each change once, in the log's order",
      detail: `a watch of ${
        watch.users?.join(", ") ?? "all users"
      } after ${watch.after}: ${difference}`,
    };
  }
}

function firstDifference(
  { users, after, entries, told }: WatchRecord,
  log: LogModel,
): string | undefined {
  if (told > log.lastSequence) {
    return `was told up to ${told}, and the log ends at ${log.lastSequence}`;
  }
  const wanted = expected(log, after, told, users);
  const length = Math.max(wanted.length, entries.length);
  for (let i = 0; i < length; i++) {
    if (isDeepStrictEqual(entries[i], wanted[i])) continue;
    return `was told ${JSON.stringify(entries[i])} where the log has ${
      JSON.stringify(wanted[i])
    }`;
  }
  return undefined;
}

/** What a watch has to be told after an entry and up to another one. */
function expected(
  { outcomes }: LogModel,
  after: number,
  told: number,
  users: readonly string[] | undefined,
): WatchedEntry[] {
  const isWanted = ({ user_id }: ChangeOutcome) =>
    users === undefined || users.includes(user_id);
  return outcomes.slice(after, told)
    .map((left, i) => ({
      sequence: after + i + 1,
      events: left.filter(isWanted).map(eventOf),
    }))
    .filter(({ events }) => events.length > 0);
}

function eventOf(left: ChangeOutcome): WatchedEntry["events"][number] {
  return "deleted" in left
    ? { name: "delete", data: { user_id: left.user_id } }
    : { name: "set", data: left };
}
