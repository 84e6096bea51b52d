import assert from "node:assert/strict";
import { Room } from "../src/cluster/room.ts";
import type { NamedStore } from "../src/replica/snapshot_search.ts";
import type { SnapshotInfo } from "../src/snapshot/snapshot.ts";
import { StoredStates } from "../src/stored_states.ts";
import { LOG_ID } from "./support/snapshots.ts";

const BEFORE = "2026-11-26T05:00:00.000000001Z";
const AFTER = "2026-11-26T05:00:00.000000002Z";

/** A bucket with snapshots of one log, each at its sequence and time. */
function bucketWith(...places: [sequence: number, time: string][]): NamedStore {
  const list = () =>
    Promise.resolve(places.map(([sequence, time]) => {
      const info: SnapshotInfo = {
        logId: LOG_ID,
        sequence,
        time,
        rows: 3,
        digest: "00000000000000aa",
      };
      return { id: String(sequence), info, bytes: 100, isVerified: true };
    }));
  return { name: "the bucket", store: { list } as NamedStore["store"] };
}

/** Whether a start is held by a bucket where the log ends at 15 at a time. */
async function isHeld(bucket: NamedStore, lastTime: string): Promise<boolean> {
  const room = new Room(false);
  room.hearing.joined(false, -Infinity);
  const log = { id: LOG_ID, lastSequence: 15 };
  const locate = (sequence: number) =>
    Promise.resolve({
      firstSequence: 1,
      lastSequence: 15,
      time: sequence <= 15 ? lastTime : undefined,
    });
  await new StoredStates([bucket]).tell(room, log, { locate }, undefined);
  return room.judge(log, 0).type !== "go_on";
}

Deno.test("a snapshot beyond the log's end holds a start", async () => {
  assert.ok(await isHeld(bucketWith([20, AFTER]), BEFORE));
  assert.ok(await isHeld(bucketWith([20, AFTER], [12, BEFORE]), AFTER));
});

Deno.test("one that the log was written past does not", async () => {
  assert.ok(!await isHeld(bucketWith([20, BEFORE]), AFTER));
  // The next one may.
  assert.ok(await isHeld(bucketWith([20, BEFORE], [18, AFTER]), AFTER));
  assert.ok(!await isHeld(bucketWith([20, BEFORE], [12, BEFORE]), AFTER));
});
