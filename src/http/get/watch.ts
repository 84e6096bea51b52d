/**
 * `GET /watch`: changes as they commit, as server-sent events.
 *
 * @module
 */
import type { WatchSource } from "../ports/watch.ts";
import { HttpError } from "../server/problem.ts";
import { type Handler, methods } from "../server/router.ts";
import { parseWatch } from "./watch_query.ts";
import type { Watchers, WatchWanted } from "./watchers.ts";

const INIT = {
  headers: {
    "content-type": "text/event-stream",
    // No proxy may keep or compress what has to arrive at once.
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
  },
};

/**
 * @param source Says whether changes can be watched.
 * @param watchers Those who watch.
 * @returns A handler that answers with a stream, and keeps nothing open for
 * HEAD.
 */
export function watch(source: WatchSource, watchers: Watchers): Handler {
  const wanted = (request: Request, query: string): WatchWanted => {
    const asked = parseWatch(query, request.headers.get("last-event-id"));
    source.assertWatchable();
    if (asked.after !== undefined && asked.after < watchers.floor) {
      throw forgotten(asked.after, watchers.floor);
    }
    watchers.assertRoom(asked);
    return asked;
  };
  const get: Handler = (request, query) =>
    new Response(watchers.open(wanted(request, query)), INIT);
  const head: Handler = (request, query) => {
    wanted(request, query);
    // With no body at all the runtime would say that there are 0 bytes.
    const empty = new ReadableStream({ pull: (stream) => stream.close() });
    return new Response(empty, INIT);
  };
  return methods({ GET: get, HEAD: head });
}

/** A client that comes back so late has to begin with a whole state. */
function forgotten(after: number, floor: number): HttpError {
  return new HttpError(
    410,
    `This replica does not remember all changes after sequence ${after}: the oldest sequence that can be watched from is ${floor}. Take a backup, which names its sequence, and watch from there`,
    { members: { oldest_sequence: floor } },
  );
}
