/**
 * What the stores of a starting replica hold: more than the log, perhaps.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { FoundLog } from "./cluster/misfit.ts";
import type { Room } from "./cluster/room.ts";
import { endOf } from "./replica/bootstrap.ts";
import { isAbandoned, isBeyond, type LogEnd, misfit } from "./replica/fit.ts";
import type { LocatingLog } from "./replica/search_attempt.ts";
import type { NamedStore } from "./replica/snapshot_search.ts";
import type { SnapshotInfo } from "./snapshot/snapshot.ts";
import { SnapshotsForbiddenError } from "./snapshot/store.ts";

const logger = getLogger(["usergrade"]);

/** A later state of a file's log, or where there may be one. */
export type LaterState =
  | {
    /** Names the place. */
    readonly name: string;
    readonly sequence: number;
  }
  /** A place can't be asked now, for this reason. */
  | { readonly unlisted: string };

/** The stores of a starting replica. */
export class StoredStates {
  /** @param stores Where this replica looks for snapshots. */
  constructor(private readonly stores: readonly NamedStore[]) {}

  /**
   * Tells a room the newest snapshot of each store: of this log, or of any if
   * there is no log. One that the log can be made whole from is left out, as it
   * must hold nothing back, and so is one that the log went past without. A
   * store that can't be listed now may hold anything. One that this replica may
   * not use is left out: it works without snapshots.
   *
   * @param room Who decides.
   * @param found The log that was found; undefined if there is none.
   * @param log The same log.
   * @param end Its end, if this replica makes it whole from a snapshot.
   */
  async tell(
    room: Room,
    found: FoundLog | undefined,
    log: LocatingLog,
    end: LogEnd | undefined,
  ): Promise<void> {
    const seen = end ?? (found && await endOf(log, found));
    await Promise.all(this.stores.map(async ({ name, store }) => {
      try {
        const newest = (await store.list()).map(({ info }) => info)
          .find((info) =>
            found === undefined ? info.rows > 0 : info.logId === found.id &&
              !(seen !== undefined && isAbandoned(info, seen))
          );
        const isHeld = newest !== undefined &&
          !(found !== undefined && isBeyond(newest, end) &&
            await fits(newest, found, log, end));
        room.noteHeld(
          name,
          isHeld
            ? {
              holder: name,
              session: "",
              logId: newest.logId,
              sequence: newest.sequence,
              users: newest.rows,
              // Such a snapshot is of no use to any log, and must not hold back
              // all.
              isOfAnotherHistory: false,
              kind: "store",
            }
            : undefined,
        );
        room.noteUnasked(name, undefined);
      } catch (error) {
        room.noteUnasked(name, unlisted(name, error as Error));
      }
    }));
  }

  /**
   * @returns A snapshot of the same log that goes beyond a state, or may be
   * there; undefined if no store has one.
   */
  async later(
    { logId, sequence }: Pick<SnapshotInfo, "logId" | "sequence">,
  ): Promise<LaterState | undefined> {
    for (const { name, store } of this.stores) {
      try {
        const found = (await store.list()).find(({ info }) =>
          info.logId === logId && info.sequence > sequence
        );
        if (found !== undefined) return { name, sequence: found.info.sequence };
      } catch (error) {
        const reason = unlisted(name, error as Error);
        if (reason !== undefined) return { unlisted: reason };
      }
    }
    return undefined;
  }
}

/** Whether a log can be made whole from a snapshot beyond it. */
async function fits(
  info: SnapshotInfo,
  { id }: FoundLog,
  log: LocatingLog,
  end: LogEnd | undefined,
): Promise<boolean> {
  const location = await log.locate(info.sequence);
  return misfit(info, id, location, end) === undefined;
}

/**
 * @returns Why a store can't be listed now; undefined if this replica may not
 * use it, which does not pass.
 */
function unlisted(name: string, error: Error): string | undefined {
  const { message: reason } = error;
  logger.debug("{name} says nothing: {reason}", { name, reason });
  return error instanceof SnapshotsForbiddenError ? undefined : reason;
}
