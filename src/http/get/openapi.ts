/**
 * `GET /openapi.json`.
 *
 * @module
 */
import { jsonResponse } from "../server/json_response.ts";
import { getAndHead, type Handler } from "../server/router.ts";

/** @param describe Makes the document. */
export function openApi(describe: () => Promise<string>): Handler {
  return getAndHead(async () => jsonResponse(await describe()));
}
