import assert from "node:assert/strict";
import type { FoundLog } from "../src/cluster/misfit.ts";
import { DOUBT_MS, Room } from "../src/cluster/room.ts";
import { UNASKED_MAX_MS } from "../src/cluster/unasked_places.ts";
import type { NamedStore } from "../src/replica/snapshot_search.ts";
import type { SnapshotInfo } from "../src/snapshot/snapshot.ts";
import {
  SnapshotsForbiddenError,
  SnapshotStoreError,
} from "../src/snapshot/store.ts";
import { StoredStates } from "../src/stored_states.ts";
import { heartbeat } from "./cluster/heartbeats.ts";
import { LOG_ID } from "./support/snapshots.ts";

const BEFORE = "2026-11-26T05:00:00.000000001Z";
const AFTER = "2026-11-26T05:00:00.000000002Z";

/** A bucket with snapshots of one log, each at its sequence and time. */
function bucketWith(
  ...places: [sequence: number, time: string, rows?: number][]
): NamedStore {
  const list = () =>
    Promise.resolve(places.map(([sequence, time, rows = 3]) => {
      const info: SnapshotInfo = {
        logId: LOG_ID,
        sequence,
        time,
        rows,
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

const NO_ANSWER = new SnapshotStoreError("Cannot list: NATS does not answer");

/** A bucket that says something at each look: what it has, or an error. */
function bucketThat(...answers: (Error | NamedStore)[]): NamedStore {
  const list = () => {
    const answer = answers.length > 1 ? answers.shift()! : answers[0];
    return answer instanceof Error
      ? Promise.reject(answer)
      : answer.store.list();
  };
  return { name: "the bucket", store: { list } as NamedStore["store"] };
}

/** What a start hears beside a log, whose bucket it asks at each of some times. */
async function verdicts(
  bucket: NamedStore,
  log: FoundLog | undefined,
  times_ms: readonly number[],
  room = new Room(false),
) {
  room.hearing.joined(false, -Infinity);
  const states = new StoredStates([bucket]);
  const locate = () =>
    Promise.resolve({ firstSequence: 1, lastSequence: 15, time: AFTER });
  const said = [];
  for (const now_ms of times_ms) {
    await states.tell(room, log, { locate }, undefined);
    said.push(room.judge(log, now_ms));
  }
  return said;
}

Deno.test("a bucket that can't be listed holds a start that would make a log, or write to an empty one, until it is, and NEW_LOG=yes gives it up", async () => {
  const logs = [[undefined, /no such stream/], [{
    id: LOG_ID,
    lastSequence: 0,
  }, /no entries/]] as const;
  for (const [log, reason] of logs) {
    const bucket = bucketThat(NO_ANSWER, NO_ANSWER, bucketWith());
    const [first, late, listed] = await verdicts(bucket, log, [0, 1e9, 2e9]);
    assert.deepEqual(late, first);
    assert.ok(first.type === "refuse" && first.isPassing);
    assert.match(first.reason, /^Cannot list: NATS does not answer, and /);
    assert.match(first.reason, reason);
    assert.deepEqual(listed, { type: "go_on" });

    const given = bucketThat(NO_ANSWER);
    const [anew] = await verdicts(given, log, [0], new Room(true));
    assert.ok(anew.type === "go_on");
    assert.match(anew.despite!, reason);
  }
});

Deno.test("beside a log that has entries it holds a start for some seconds, and not where a replica follows that log", async () => {
  const log = { id: LOG_ID, lastSequence: 15 };
  const times_ms = [0, UNASKED_MAX_MS - 1, UNASKED_MAX_MS];
  const said = await verdicts(bucketThat(NO_ANSWER), log, times_ms);
  assert.deepEqual(said.map(({ type }) => type), [
    "refuse",
    "refuse",
    "go_on",
  ]);
  const room = new Room(false);
  room.hearing.joined(false, -Infinity);
  room.heard(heartbeat("b", { log_id: LOG_ID, hears: [] }), 0);
  const states = new StoredStates([bucketThat(NO_ANSWER)]);
  const locate = () =>
    Promise.resolve({ firstSequence: 1, lastSequence: 15, time: AFTER });
  await states.tell(room, log, { locate }, undefined);
  assert.deepEqual(room.judge(log, 0), { type: "go_on" });
});

Deno.test("where there is no log, a start is held if a snapshot has users, and only then", async () => {
  const users = bucketWith([20, AFTER, 0], [12, BEFORE, 1]);
  const [, held] = await verdicts(users, undefined, [0, DOUBT_MS]);
  assert.ok(held.type === "refuse");
  assert.match(held.reason, /^the bucket holds 1 users at entry 12 of log /);
  const none = bucketWith([20, AFTER, 0], [12, BEFORE, 0]);
  assert.deepEqual(await verdicts(none, undefined, [0]), [{ type: "go_on" }]);
});

Deno.test("a bucket that a replica may not use holds nothing", async () => {
  const off = bucketThat(new SnapshotsForbiddenError("no permission"));
  assert.deepEqual(await verdicts(off, undefined, [0]), [{ type: "go_on" }]);
  const later = (bucket: NamedStore) =>
    new StoredStates([bucket]).later({ logId: LOG_ID, sequence: 12 });
  assert.equal(await later(off), undefined);
  assert.deepEqual(await later(bucketThat(NO_ANSWER)), {
    unlisted: NO_ANSWER.message,
  });
  assert.deepEqual(await later(bucketWith([20, AFTER])), {
    name: "the bucket",
    sequence: 20,
  });
});
