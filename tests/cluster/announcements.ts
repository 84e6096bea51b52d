/**
 * Announcements for tests.
 *
 * @module
 */
import type { Announcement } from "../../src/cluster/announcement.ts";

/** The digest of a state named by a letter. */
export function digestOf(letter: string): string {
  return letter.repeat(16);
}

/** A replica's announcement at a sequence, with what differs from the usual. */
export function announcement(
  replica_id: string,
  others: Partial<Announcement> = {},
): Announcement {
  return {
    replica_id,
    session: "0".repeat(32),
    version: "1.0.0",
    state: "ready",
    reason: "all entries of the log are applied",
    log_id: "8f14e45fceea167a",
    applied_sequence: 10,
    last_sequence: 10,
    users: 1,
    digest: digestOf("a"),
    restore: null,
    checkpoints: [],
    ...others,
  };
}
