/**
 * Why streams of changes end.
 *
 * @module
 */

/** A watch, and how far the log is known to go. */
export interface Reach {
  /** The sequence after which changes are wanted. */
  readonly after: number;
  readonly lastSequence: number;
}

/** What this side ends a stream for, and what its client is told. */
const DETAILS = {
  draining: () => "The replica stops: go on at another one, with Last-Event-ID",
  slow: () =>
    "The client has not taken changes as fast as they came: go on with Last-Event-ID",
  gap: () =>
    "The replica has gone on from a snapshot and lacks the changes before it: go on at another one, with Last-Event-ID",
  not_ready: () =>
    "The replica can't answer any more: go on at another one, with Last-Event-ID",
  forked: () =>
    "The log goes on from another state than this replica's: take a backup of a replica that follows the log, and watch there",
  ahead: ({ after, lastSequence }: Reach) =>
    `Changes after sequence ${after} are wanted, and the log ends at sequence ${lastSequence} as far as this replica knows. It may have gone back to an older state: take a backup, begin anew with its state, and watch after its sequence`,
} as const;

/** Why this side ends a stream. */
export type EndReason = keyof typeof DETAILS;

/** Why a stream has ended: the client may also have left. */
export const ENDS = [
  "client",
  ...Object.keys(DETAILS) as EndReason[],
] as const;

/** @returns What happened and what to do, for the client. */
export function endDetail(reason: EndReason, reach: Reach): string {
  return DETAILS[reason](reach);
}

/** What watchers were told, and how their streams ended. */
export class WatchCounts {
  /** How many events were sent, for each watcher that got one. */
  events = 0;
  readonly ends: Record<(typeof ENDS)[number], number> = {
    client: 0,
    draining: 0,
    slow: 0,
    gap: 0,
    not_ready: 0,
    forked: 0,
    ahead: 0,
  };
}
