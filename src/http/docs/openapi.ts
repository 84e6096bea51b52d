/**
 * `GET /openapi.json`.
 *
 * @module
 */
import { jsonResponse } from "../server/json_response.ts";
import { getAndHead, type Handler } from "../server/router.ts";
import {
  type ListenerName,
  type ListenerPlaces,
  listenerUrls,
} from "./listener_urls.ts";

/** Stand for the URLs of the listeners in a document that is kept. */
export const URL_MARKS = { set: "{set}", get: "{get}" } as const;

/**
 * @param own The listener that answers.
 * @param places Where the listeners are.
 * @param describe Makes the document, with {@linkcode URL_MARKS}.
 * @returns A handler that answers with the document, and the listeners' URLs as
 * the client knows them.
 */
export function openApi(
  own: ListenerName,
  places: ListenerPlaces,
  describe: () => Promise<string>,
): Handler {
  return getAndHead(async (request) => {
    const urls = listenerUrls(request, own, places);
    const text = await describe();
    return jsonResponse(
      text.replaceAll(
        /"\{(set|get)\}"/g,
        (_, name: ListenerName) => JSON.stringify(urls[name]),
      ),
    );
  });
}
