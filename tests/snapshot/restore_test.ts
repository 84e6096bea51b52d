import assert from "node:assert/strict";
import { restore } from "../../src/snapshot/restore.ts";
import {
  type Snapshot,
  SnapshotDamagedError,
} from "../../src/snapshot/snapshot.ts";
import { Storage } from "../../src/storage/storage.ts";
import { snapshotOf } from "../support/snapshots.ts";

const quiet = { progress: () => {} };

function test(name: string, fn: () => Promise<void>): void {
  // `none` of the permissions: a restore reads nothing but the snapshot.
  Deno.test({ name, permissions: "none", fn });
}

function filled(users: number): Storage {
  const storage = new Storage();
  for (let i = 0; i < users; i++) storage.set({ user_id: `u${i}`, spp: i });
  return storage;
}

/** The rows of two states, one after the other, under the info of the first. */
function joined(first: Snapshot, second: Snapshot): Snapshot {
  return {
    ...first,
    blocks: (async function* () {
      yield* first.blocks;
      yield* second.blocks;
    })(),
  };
}

test("restore() gives a fresh storage with the state, and tells how it goes", async () => {
  const storage = filled(10_000);
  const told: [number, number][] = [];
  const copy = await restore(snapshotOf(storage), {
    progress: (rows, percent) => told.push([rows, percent]),
  });
  assert.equal(copy.size, 10_000);
  assert.equal(copy.digest, storage.digest);
  assert.deepEqual(told[0], [0, 0]);
  assert.deepEqual(told.at(-1), [10_000, 100]);
});

test("restore() takes a snapshot without users, and one of an old file without a digest", async () => {
  const told: number[] = [];
  const empty = await restore(snapshotOf(new Storage()), {
    progress: (_rows, percent) => told.push(percent),
  });
  assert.equal(empty.size, 0);
  assert.deepEqual(new Set(told), new Set([100]));
  const old = snapshotOf(filled(3), { digest: undefined });
  assert.equal((await restore(old, quiet)).size, 3);
});

test("restore() refuses a snapshot that is not what it says", async () => {
  const storage = filled(5_000);
  const cases: [Snapshot, RegExp][] = [
    [snapshotOf(storage, { rows: 4_999 }), /has 5000 or more .* says 4999/],
    [snapshotOf(storage, { rows: 5_001 }), /has 5000 rows and says 5001/],
    [snapshotOf(storage, { rows: 0 }), /has \d+ or more rows and says 0/],
    [
      snapshotOf(storage, { digest: "0123456789abcdef" }),
      /its digest is \w{16} and it says 0123456789abcdef/,
    ],
    [
      // As many rows as it says, but of fewer users.
      joined(
        snapshotOf(filled(2), { rows: 3, digest: undefined }),
        snapshotOf(filled(1)),
      ),
      /has 2 users and says 3/,
    ],
    [
      joined(snapshotOf(filled(2), { rows: 2 }), snapshotOf(filled(1))),
      /has 3 or more rows and says 2/,
    ],
  ];
  for (const [snapshot, reason] of cases) {
    await assert.rejects(restore(snapshot, quiet), (error: Error) => {
      assert.ok(error instanceof SnapshotDamagedError);
      assert.match(error.message, reason);
      return true;
    });
  }
});

test("restore() throws what reading throws", async () => {
  const snapshot = snapshotOf(filled(3));
  const broken = joined(snapshot, {
    ...snapshot,
    // deno-lint-ignore require-yield
    blocks: (async function* () {
      throw new RangeError("the peer is gone");
    })(),
  });
  await assert.rejects(restore(broken, quiet), RangeError);
});

test("restore() lets other work have its turn", async () => {
  const snapshot = snapshotOf(filled(200_000));
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  await restore(snapshot, quiet);
  clearInterval(timer);
  assert.ok(turns > 3, `${turns} turns`);
});
