/**
 * JetStream without HTTP as a side, in a process of its own for each measurement.
 *
 * @module
 */
import { output } from "./command.ts";
import type { Measure } from "./sides.ts";

/**
 * @param natsUrl The broker.
 * @param id Whether each publish has a message id.
 */
export function publisherMeasure(
  natsUrl: string,
  id: "plain" | "id",
): Measure {
  return async ({ connections }, seconds, signal) => {
    const said = await output([
      Deno.execPath(),
      "run",
      "--no-prompt",
      "--allow-net=127.0.0.1",
      new URL("publisher.ts", import.meta.url).pathname,
      natsUrl,
      String(connections),
      String(seconds),
      id,
    ], signal);
    return JSON.parse(said!);
  };
}
