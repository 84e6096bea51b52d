/**
 * What a healing needs before its next step: a snapshot that was read back, and
 * time for those who may have applied more. It does no I/O.
 *
 * @module
 */
import type { HealPoint } from "../log/healable_log.ts";
import {
  type HealingFacts,
  type HealingSnapshot,
  type HealingStep,
  isAt,
  type NoHealing,
} from "./healing_facts.ts";

/** @returns That nothing is done now, with the reason. */
export function none(why: NoHealing["why"], reason: string): NoHealing {
  return { type: "none", why, reason };
}

/** @returns That this replica waits for others, by their ids. */
export function awaiting(ids: readonly string[]): NoHealing {
  return none(
    "wait",
    `waiting for ${ids.join(", ")}, which may have applied more`,
  );
}

/** @returns That this replica waits for whoever has applied more. */
export function waitingForFuller({ healAfter_ms }: HealingFacts): NoHealing {
  return none(
    "wait",
    `replicas that may have applied more have ${healAfter_ms} ms to be heard (HEAL_AFTER_MS)`,
  );
}

/** @returns What is needed until a heal point has a snapshot that was read back. */
export function wantedSnapshot(
  { snapshots }: HealingFacts,
  point: HealPoint,
): HealingStep | undefined {
  const candidates = snapshots.filter((one) =>
    isAt(one, point) && !one.isUnreadable
  );
  const [best = candidates.at(0)] = candidates.filter((one) => one.isVerified);
  return best === undefined ? { type: "write", point } : wantedRead(best);
}

/** @returns What is needed until a snapshot was read back; undefined if it was. */
export function wantedRead(snapshot: HealingSnapshot): HealingStep | undefined {
  return snapshot.isVerified ? undefined : { type: "verify", snapshot };
}
