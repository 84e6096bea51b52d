/**
 * Faults in words.
 *
 * @module
 */
import type { Fault } from "./faults.ts";

/**
 * @param fault A fault that is injected.
 * @param now_ms When, from the start of the run.
 * @returns It in a line.
 */
export function describeFault(fault: Fault, now_ms: number): string {
  const { kind, replica, moment, step, server } = fault;
  return [
    `${(now_ms / 1000).toFixed(1).padStart(6)} s`,
    kind,
    replica === undefined ? "" : `r${replica}`,
    kind.startsWith("broker_") ? `server ${server}` : "",
    moment === undefined ? "" : `at ${moment} + ${fault.delay_ms} ms`,
    step === undefined ? "" : `at ${step}`,
    `${fault.for_ms} ms`,
    kind === "delay" ? `(each chunk ${fault.delay_ms} ms)` : "",
    /^(replica_(kill|term)|healer_strike)$/.test(kind) && !fault.warm
      ? "(without peers)"
      : "",
    fault.damages ? "(the newest snapshot is damaged)" : "",
  ].filter((word) => word !== "").join(" ");
}
