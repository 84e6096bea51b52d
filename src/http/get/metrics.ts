/**
 * `GET /metrics`.
 *
 * @module
 */
import type { MetricsText } from "../ports/measurements.ts";
import { getAndHead, type Handler } from "../server/router.ts";

/** @param read Reads all metrics. */
export function metrics(read: () => Promise<MetricsText>): Handler {
  return getAndHead(async () => {
    const { contentType, text } = await read();
    return new Response(text, { headers: { "content-type": contentType } });
  });
}
