/**
 * The routes that document the interface, at both listeners.
 *
 * @module
 */
import type { Handler } from "../server/router.ts";
import type { DOCS } from "./docs.ts";
import type { ListenerName, ListenerPlaces } from "./listener_urls.ts";
import { openApi } from "./openapi.ts";

/** The paths of the page. */
const DOCS_PATHS: readonly (keyof typeof DOCS)[] = [
  "/docs",
  "/docs/docs.css",
  "/docs/docs.js",
  "/docs/accessible.js",
  "/docs/swagger-ui.js",
  "/docs/swagger-ui.css",
];

/**
 * @param own The listener that answers.
 * @param places Where the listeners are.
 * @param describe Makes the OpenAPI document.
 */
export function documentRoutes(
  own: ListenerName,
  places: ListenerPlaces,
  describe: () => Promise<string>,
): Record<string, Handler> {
  const loaded = (path: keyof typeof DOCS): Handler => async (request, query) =>
    (await import("./docs.ts")).DOCS[path](request, query);
  return {
    "/openapi.json": openApi(own, places, describe),
    ...Object.fromEntries(DOCS_PATHS.map((path) => [path, loaded(path)])),
  };
}
