/**
 * What an attempt to publish asks of the stream: one that has lost entries must
 * not be written past. It does no I/O.
 *
 * @module
 */
import type { EntryFeed } from "./entry_feed.ts";
import type { OwnEntries } from "./own_entries.ts";
import type { PublishAction } from "./session_actions.ts";

/** What a stream must have to take a batch: one of two entries as its last. */
export type Guard = Pick<PublishAction, "lastOwn" | "after" | "afterTime">;

/** A batch that is published, for the first time or again. */
export interface Attempt {
  /** How often it is published, this time included. */
  readonly attempts: number;
  /** What the attempt before asked of the stream. */
  readonly guard: Guard | undefined;
  /** The log's end, when a look had shown that the log is whole; 0 before. */
  readonly end: number;
}

/** What was fed, as far as a guard names it. */
export type Fed = Pick<EntryFeed, "fed" | "last" | "lastSequence"> & {
  readonly own: Pick<OwnEntries, "last">;
};

/** How JetStream says that an entry which is to be the last one is not. */
const WRONG_LAST = /wrong last sequence/;

/** Whether a stream refused a batch since it lacks what was asked for. */
export function isUnmet(reason: string): boolean {
  return WRONG_LAST.test(reason);
}

/**
 * A replica without an entry in the stream names the last of all.
 *
 * If others have written meanwhile, a look shows that nothing is lost. Then the
 * batch may follow any entry, but only once the log is seen to go beyond the
 * one that was named: a server that has not heard of the loss yet may have
 * answered the look.
 *
 * @param attempt That of the only batch on its way: of several, nobody knows yet
 * where the first one comes.
 * @returns What the attempt asks for; undefined if nothing.
 */
export function guardOf(
  { attempts, guard, end }: Attempt,
  feed: Fed,
): Guard | undefined {
  const lastOwn = feed.own.last;
  if (lastOwn !== undefined) return { lastOwn };
  if (attempts === 1) return following(feed.fed, feed);
  if (guard === undefined) return undefined;
  const seen = Math.max(end, feed.lastSequence);
  const { after = seen } = guard;
  return guard.after !== undefined && seen > after
    ? undefined
    : following(after, feed);
}

function following(after: number, { last }: Fed): Guard {
  return {
    after,
    ...(last?.sequence === after && { afterTime: last.time }),
  };
}
