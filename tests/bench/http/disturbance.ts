/**
 * Telling whether something else has slowed the measurements.
 *
 * @module
 */
import type { CaseReport } from "./report.ts";

/** A bare server under load has nearly all of its core, if nothing disturbs it. */
const CORE_SHARE_MIN = 0.85;

/**
 * @param cases What was measured.
 * @returns A warning for each bare server that was kept from running.
 */
export function disturbances(cases: readonly CaseReport[]): string[] {
  return cases.flatMap(({ side, operation, connections, figures }) => {
    const { per_s, cpu_us } = figures ?? {};
    if (!side.startsWith("bare") || connections === 1 || !per_s || !cpu_us) {
      return [];
    }
    const share = per_s.median * cpu_us.median / 1e6;
    return share >= CORE_SHARE_MIN ? [] : [
      `${side}, ${operation}s at ${connections} connections, ran ${
        (share * 100).toFixed(0)
      } % of the time: other work on the machine or a load generator at its limit has distorted the ratios`,
    ];
  });
}
