/**
 * The routes that document the interface, at both listeners.
 *
 * @module
 */
import type { Handler } from "../server/router.ts";
import type { ListenerName, ListenerPlaces } from "./listener_urls.ts";
import { openApi } from "./openapi.ts";

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
  return { "/openapi.json": openApi(own, places, describe) };
}
