/**
 * Waiting until a log was cut beyond someone who does not follow it.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { LOG_STREAM } from "./broker_client.ts";
import type { Brokers } from "./brokers.ts";

/**
 * How long that may take: the others take over from the first replica only when
 * it was not heard for 10 s.
 */
const OUTRUN_MAX_MS = 25_000;

/** How often the log is looked at. */
const LOOK_MS = 100;

/** @returns Whether the log was cut beyond its end of now. */
export async function untilOutrun(brokers: Brokers): Promise<boolean> {
  const look = () => brokers.ask((client) => client.look(LOG_STREAM));
  const end_ms = performance.now() + OUTRUN_MAX_MS;
  const { lastSequence } = await look();
  while (performance.now() < end_ms) {
    if ((await look()).firstSequence > lastSequence + 1) return true;
    await sleep(LOOK_MS);
  }
  return false;
}
