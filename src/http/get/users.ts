/**
 * `GET /users`: users whose ids begin with a text, a page of them at a time. It
 * looks at every id, so only the set listener has it, behind the password.
 *
 * @module
 */
import { UnavailableError } from "../../errors.ts";
import type { RecordSource, UserIdSource } from "../ports.ts";
import { jsonResponseAt } from "../server/json_response.ts";
import { Limit } from "../server/limit.ts";
import { getAndHead, type Handler } from "../server/router.ts";
import { parseUsers } from "./users_query.ts";

/** How many searches run at a time. */
const SEARCHES_MAX = 1;

/** How long a search keeps others waiting before they have their turn. */
const SLICE_MS = 2;

/** How long a search may take: 10 million users take 0.3 to 1.1 s of CPU. */
export const SEARCH_MS_MAX = 10_000;

/**
 * @param source Where the users are.
 * @param now The time in milliseconds.
 * @returns A handler that answers with the first users in the order of their
 * ids' UTF-8 bytes, and with where to go on.
 */
export function users(
  source: RecordSource & UserIdSource,
  now: () => number,
): Handler {
  const limit = new Limit(SEARCHES_MAX, "search is running");
  return getAndHead(async (request, query) => {
    const { prefix, after, max } = parseUsers(query);
    using limits = new DisposableStack();
    limits.defer(limit.enter());
    const search = source.searchIds(prefix, after, max);
    const ids = await inSlices(search, now, () => request.signal.aborted);
    // No entry is applied before the end of this turn.
    const found = ids.map((id) => source.getJson(id))
      .filter((json) => json !== undefined);
    const next = ids.length === max ? JSON.stringify(ids[max - 1]) : null;
    return jsonResponseAt(
      `{"users":[${found.join(",")}],"next":${next}}`,
      source.appliedSequence,
    );
  });
}

/** Runs a search, and lets others have their turns meanwhile. */
async function inSlices(
  search: Generator<void, string[], void>,
  now: () => number,
  isAbandoned: () => boolean,
): Promise<string[]> {
  const start_ms = now();
  let slice_ms = start_ms;
  for (;;) {
    const step = search.next();
    if (step.done) return step.value;
    const now_ms = now();
    if (now_ms - slice_ms < SLICE_MS) continue;
    if (now_ms - start_ms > SEARCH_MS_MAX || isAbandoned()) {
      throw new UnavailableError(
        `The search took longer than ${
          SEARCH_MS_MAX / 1000
        } s: this replica is busy, so try again later`,
      );
    }
    await new Promise<void>((resolve) => setImmediate(resolve));
    slice_ms = now();
  }
}
