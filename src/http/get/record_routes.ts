/**
 * The routes that show records. Both listeners have them: the page of the set
 * listener follows a user, and no page may ask another origin.
 *
 * @module
 */
import type { Histogram } from "../../histogram.ts";
import type { RecordSource } from "../ports/records.ts";
import type { Readiness } from "../ports/status.ts";
import type { WatchSource } from "../ports/watch.ts";
import type { BodyReader } from "../server/body.ts";
import { acceptEncodings } from "../server/content_encoding.ts";
import { type Handler, methods } from "../server/router.ts";
import { get } from "./get.ts";
import { getMany } from "./get_many.ts";
import { watch } from "./watch.ts";
import type { Watchers } from "./watchers.ts";

/** What the routes are made of. */
export interface RecordRoutesOptions {
  readonly replica: RecordSource & Readiness & WatchSource;
  readonly watchers: Watchers;
  /** Reads the bodies of gets. */
  readonly bodies: BodyReader;
  /** Seconds that gets took here; one in some is timed. */
  readonly getSeconds: Histogram;
}

/** @returns A handler for each path. */
export function recordRoutes(
  { replica, watchers, bodies, getSeconds }: RecordRoutesOptions,
): Record<string, Handler> {
  const getOne = get(replica, getSeconds);
  return {
    "/get": methods({
      GET: getOne,
      HEAD: getOne,
      POST: acceptEncodings([], getMany(replica, bodies)),
    }),
    "/watch": watch(replica, watchers),
  };
}
