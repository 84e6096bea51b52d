/**
 * What the stores of a starting replica hold: more than the log, perhaps.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { FoundLog } from "./cluster/misfit.ts";
import type { Room } from "./cluster/room.ts";
import type { NamedStore } from "./replica/snapshot_search.ts";

const logger = getLogger(["usergrade"]);

/**
 * Tells a room the newest snapshot of each store: of this log, or of any if
 * there is no log. Stores that can't be listed are left out.
 *
 * @param room Who decides.
 * @param stores Where this replica looks for snapshots.
 * @param log The log that was found; undefined if there is none.
 */
export async function tellStored(
  room: Room,
  stores: readonly NamedStore[],
  log: FoundLog | undefined,
): Promise<void> {
  await Promise.all(stores.map(async ({ name, store }) => {
    try {
      const newest = (await store.list()).find(({ info }) =>
        log === undefined ? info.rows > 0 : info.logId === log.id
      );
      room.noteHeld(
        name,
        newest && {
          holder: name,
          session: "",
          logId: newest.info.logId,
          sequence: newest.info.sequence,
          users: newest.info.rows,
          // Such a snapshot is of no use to any log, and must not hold back all.
          isOfAnotherHistory: false,
          kind: "store",
        },
      );
    } catch (error) {
      logger.debug("{name} says nothing: {reason}", {
        name,
        reason: (error as Error).message,
      });
    }
  }));
}
