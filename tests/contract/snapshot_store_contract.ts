/**
 * What every store of snapshots must do, tested once for all.
 *
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { SnapshotDamagedError } from "../../src/snapshot/snapshot.ts";
import {
  saveSnapshot,
  type SnapshotSink,
  type SnapshotStore,
  SnapshotStoreError,
  type StoredSnapshot,
} from "../../src/snapshot/store.ts";
import { Storage } from "../../src/storage/storage.ts";
import { ODD_IDS, patchOf } from "../storage/arbitraries.ts";
import { eventually } from "../support/eventually.ts";
import { newSeed } from "../support/random.ts";
import { restoreAll, snapshotOf } from "../support/snapshots.ts";

/** A place where one store lives. */
export interface StorePlace extends AsyncDisposable {
  /** The log whose snapshots the store keeps. */
  readonly logId: string;
  /** The store. */
  readonly store: SnapshotStore;
  /** Lets all die that use the store, and opens it anew as `store`. */
  restart(): Promise<void>;
  /**
   * Changes one bit of what is stored of a snapshot's rows, and opens the store
   * anew.
   *
   * @param where Which one: from 0 for the first to below 1 for the last.
   */
  flip(id: string, where: number): Promise<void>;
  /** Takes away the end of what is stored of a snapshot's rows, likewise. */
  truncate(id: string): Promise<void>;
}

/** How much is tried. */
interface Extent {
  /** How many random histories a store goes through. */
  readonly runs: number;
  /** More than the store may have open at a time, or a few if nothing limits it. */
  readonly many: number;
}

function filled(users: number, mark = 0): Storage {
  const storage = new Storage();
  for (let i = 0; i < users; i++) {
    storage.set({ user_id: `user-${i}`, spp: i, return_fee: mark });
  }
  return storage;
}

/**
 * Defines the tests.
 *
 * @param name The store's name.
 * @param make Makes a new, empty place.
 * @param extent How much is tried.
 */
export function testSnapshotStore(
  name: string,
  make: () => Promise<StorePlace>,
  { runs, many }: Extent,
): void {
  const test = (what: string, run: (place: StorePlace) => Promise<void>) =>
    Deno.test(`${name} ${what}`, async () => {
      await using place = await make();
      await run(place);
    });

  const never = new AbortController().signal;

  /** Stores a state. */
  const save = async (
    { store, logId }: StorePlace,
    storage: Storage,
    sequence: number,
  ): Promise<StoredSnapshot> => {
    using snapshot = snapshotOf(storage, { logId, sequence });
    return await saveSnapshot(snapshot, store);
  };

  const read = async ({ store }: StorePlace, id: string): Promise<Storage> =>
    await restoreAll(await store.open(id, never));

  const ids = async ({ store }: StorePlace): Promise<string[]> =>
    (await store.list()).map(({ id }) => id);

  test("gives back a snapshot as it was stored, after a restart too", async (place) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(patchOf(ODD_IDS), { maxLength: 60 }),
        fc.nat(),
        async (patches, sequence) => {
          const storage = new Storage();
          for (const patch of patches) storage.set(patch);
          const stored = await save(place, storage, sequence);
          const { store, logId } = place;
          assert.deepEqual(stored.info, {
            logId,
            sequence,
            time: "2026-11-23T22:49:59.123456789Z",
            rows: storage.size,
            digest: storage.digest,
          });
          assert.ok(stored.bytes > 0 || storage.size === 0);
          assert.equal(stored.isVerified, false);
          assert.deepEqual(await store.list(), [stored]);
          await place.restart();
          assert.deepEqual(await place.store.list(), [stored]);
          using snapshot = await place.store.open(stored.id, never);
          assert.deepEqual(snapshot.info, stored.info);
          const copy = await restoreAll(snapshot);
          for (const id of ODD_IDS) {
            assert.deepEqual(copy.get(id), storage.get(id));
          }
          await place.store.delete(stored.id);
        },
      ),
      { numRuns: runs, seed: newSeed() },
    );
  });

  test("gives back a snapshot of many blocks", async (place) => {
    const storage = filled(50_000);
    const { id } = await save(place, storage, 50_000);
    assert.equal((await read(place, id)).digest, storage.digest);
  });

  test("lists the newest first: by sequence, then the last committed", async (place) => {
    const named: Record<string, string> = {};
    for (const name of ["5", "7", "6", "7 again", "1"]) {
      named[name] = (await save(place, filled(1), parseInt(name))).id;
    }
    const newestFirst = ["7 again", "7", "6", "5", "1"].map((key) =>
      named[key]
    );
    assert.deepEqual(await ids(place), newestFirst);
    await place.restart();
    assert.deepEqual(await ids(place), newestFirst);
  });

  test("does not list a snapshot that is not committed", async (place) => {
    const { info, blocks } = snapshotOf(filled(2), { logId: place.logId });
    const [rows] = await Array.fromAsync(blocks);
    const committed = await place.store.create(info);
    const aborted = await place.store.create(info);
    const dying = await place.store.create(info);
    for (const sink of [committed, aborted, dying]) {
      // Each gets its own: a sink owns what it is given.
      await sink.write(structuredClone(rows));
    }
    assert.deepEqual(await ids(place), []);
    const { id } = await committed.commit();
    await committed.abort();
    await aborted.abort();
    await aborted.abort();
    assert.deepEqual(await ids(place), [id]);
    await assert.rejects(aborted.commit(), SnapshotStoreError);
    await place.restart();
    assert.deepEqual(await ids(place), [id]);
    assert.equal((await read(place, id)).size, 2);
  });

  test("refuses what nobody could check: other rows than it says, and no digest", async (place) => {
    const { logId, store } = place;
    for (const rows of [0, 1, 3]) {
      using snapshot = snapshotOf(filled(2), { logId, rows });
      await assert.rejects(saveSnapshot(snapshot, store), SnapshotStoreError);
    }
    using snapshot = snapshotOf(filled(2), { logId, digest: undefined });
    await assert.rejects(saveSnapshot(snapshot, store), SnapshotStoreError);
    assert.deepEqual(await ids(place), []);
  });

  test("has nothing of snapshots that broke off while they were read", async (place) => {
    const storage = filled(5_000);
    // So many that a store which kept them open would run out of something.
    for (let i = 0; i < many; i++) {
      using whole = snapshotOf(storage, { logId: place.logId });
      const snapshot = {
        ...whole,
        blocks: (async function* () {
          for await (const rows of whole.blocks) {
            yield rows;
            throw new Error("it broke off");
          }
        })(),
      };
      await assert.rejects(saveSnapshot(snapshot, place.store), /it broke off/);
    }
    assert.deepEqual(await ids(place), []);
    const { id } = await save(place, storage, 1);
    assert.equal((await read(place, id)).digest, storage.digest);
  });

  test("deletes a snapshot, and never gives its name to another", async (place) => {
    const first = await save(place, filled(1), 1);
    const second = await save(place, filled(2), 2);
    await place.store.delete(second.id);
    await place.store.delete(second.id);
    assert.deepEqual(await ids(place), [first.id]);
    await assert.rejects(
      place.store.open(second.id, never),
      SnapshotStoreError,
    );
    await place.restart();
    await place.store.delete(second.id);
    const third = await save(place, filled(3), 3);
    assert.notEqual(third.id, second.id);
    assert.deepEqual(await ids(place), [third.id, first.id]);
    assert.equal((await read(place, third.id)).size, 3);
  });

  test("lets snapshots be read while others are read, written and deleted", async (place) => {
    const storages = [filled(20_000, 1), filled(20_000, 2)];
    const [one, two] = await Promise.all(
      storages.map((storage, i) => save(place, storage, i + 1)),
    );
    const [first, again, other, written] = await Promise.all([
      read(place, one.id),
      read(place, one.id),
      read(place, two.id),
      save(place, filled(10_000), 3).then(async ({ id }) => {
        await place.store.delete(id);
        return id;
      }),
    ]);
    assert.equal(first.digest, storages[0].digest);
    assert.equal(again.digest, storages[0].digest);
    assert.equal(other.digest, storages[1].digest);
    assert.ok(!(await ids(place)).includes(written));
  });

  test("gives all of a snapshot that is deleted while it is read, or none", async (place) => {
    const storage = filled(50_000);
    const { id } = await save(place, storage, 1);
    const reading = read(place, id).then(
      ({ digest }) => digest,
      () => "broken off",
    );
    await place.store.delete(id);
    assert.ok([storage.digest, "broken off"].includes(await reading));
  });

  test("stops reading when that is aborted, and when the snapshot is disposed of", async (place) => {
    const users = 30_000;
    const { id } = await save(place, filled(users), 1);
    const abort = new AbortController();
    using aborted = await place.store.open(id, abort.signal);
    await assert.rejects(async () => {
      for await (const _rows of aborted.blocks) abort.abort();
    });
    // A store that kept them open would run out of something.
    for (let i = 0; i < many; i++) {
      using snapshot = await place.store.open(id, never);
      if (i % 2 === 0) await snapshot.blocks[Symbol.asyncIterator]().next();
    }
    assert.equal((await read(place, id)).size, users);
  });

  /** Whether a store says that it has verified a snapshot. */
  const isVerified = async ({ store }: StorePlace, id: string) =>
    (await store.list()).find((stored) => stored.id === id)?.isVerified;

  test("verifies a snapshot that is whole, and only that one", async (place) => {
    const sizes = [0, 3, 10_000];
    const stored = [];
    for (const [i, size] of sizes.entries()) {
      stored.push(await save(place, filled(size), i + 1));
    }
    for (const [i, one] of stored.entries()) {
      const verified = await place.store.verify(one.id, never);
      assert.deepEqual(verified, { ...one, isVerified: true });
      assert.deepEqual(
        (await place.store.list()).map(({ isVerified }) => isVerified),
        stored.map((_, j) => j <= i).reverse(),
      );
    }
    await place.store.verify(stored[0].id, never);
  });

  test("never says after a restart that it has verified what it has not", async (place) => {
    const one = await save(place, filled(10), 1);
    const two = await save(place, filled(20), 2);
    await place.restart();
    assert.equal(await isVerified(place, one.id), false);
    assert.deepEqual(await place.store.verify(one.id, never), {
      ...one,
      isVerified: true,
    });
    await place.restart();
    assert.equal(await isVerified(place, two.id), false);
    // The rest of what it says stays.
    assert.deepEqual(
      (await place.store.list()).map((one) => ({ ...one, isVerified: false })),
      [two, one],
    );
    await place.store.verify(one.id, never);
    assert.equal((await read(place, one.id)).size, 10);
  });

  test("finds any bit of the rows that has changed", async (place) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(patchOf(ODD_IDS), { minLength: 1, maxLength: 60 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        async (patches, where) => {
          const storage = new Storage();
          for (const patch of patches) storage.set(patch);
          const { id } = await save(place, storage, 1);
          await place.flip(id, where);
          const damage = await place.store.verify(id, never)
            .then(() => undefined, (error) => error);
          if (damage === undefined) {
            // Not all bits mean something: 0 may have become -0.
            const copy = await read(place, id);
            assert.equal(copy.digest, storage.digest);
          } else {
            assert.ok(damage instanceof SnapshotDamagedError, String(damage));
            assert.match(damage.message, /^damaged: /);
            assert.equal(await isVerified(place, id), false);
            await assert.rejects(read(place, id), SnapshotDamagedError);
          }
          await place.store.delete(id);
        },
      ),
      { numRuns: runs, seed: newSeed() },
    );
  });

  test("finds that the end is missing", async (place) => {
    for (const users of [1, 10_000]) {
      const { id } = await save(place, filled(users), 1);
      await place.truncate(id);
      await assert.rejects(place.store.verify(id, never), SnapshotDamagedError);
      await assert.rejects(read(place, id), SnapshotDamagedError);
      assert.equal(await isVerified(place, id), false);
    }
  });

  test("says nothing against a snapshot that can't be read: there is none, it is deleted, or reading is aborted", async (place) => {
    const { id } = await save(place, filled(40_000), 1);
    const [verified] = await Promise.allSettled([
      place.store.verify(id, never),
      place.store.delete(id),
    ]);
    if (verified.status === "fulfilled") assert.ok(verified.value.isVerified);
    else {
      const { reason } = verified;
      assert.ok(reason instanceof SnapshotStoreError, String(reason));
    }
    assert.deepEqual(await ids(place), []);
    await assert.rejects(place.store.verify(id, never), SnapshotStoreError);

    // On a busy machine an abort may come when all has been verified.
    await eventually(async () => {
      const other = await save(place, filled(40_000), 2);
      const abort = new AbortController();
      const aborted = place.store.verify(other.id, abort.signal);
      const reason = new Error("no more");
      setTimeout(() => abort.abort(reason), 0);
      await assert.rejects(aborted, reason);
      await assert.rejects(place.store.verify(other.id, abort.signal), reason);
      assert.equal(await isVerified(place, other.id), false);
      await place.store.verify(other.id, never);
    });
  });

  test("lists what was committed and not deleted, whatever else is done, in any order", async (place) => {
    const step = fc.record({
      what: fc.constantFrom(
        ...["create", "write", "commit", "abort", "delete", "read", "restart"],
      ),
      which: fc.nat({ max: 9 }),
      sequence: fc.nat({ max: 3 }),
    });
    let mark = 0;
    const play = async (
      steps: { what: string; which: number; sequence: number }[],
    ) => {
      const model = new Map<string, string>();
      let open: { sink: SnapshotSink; storage: Storage; left: number }[] = [];
      for (const { what, which, sequence } of steps) {
        const { logId, store } = place;
        const writing = open[which % Math.max(open.length, 1)];
        const stored = [...model.keys()][which % Math.max(model.size, 1)];
        if (what === "create" && open.length < 4) {
          const storage = filled(3, ++mark);
          const { info } = snapshotOf(storage, { logId, sequence });
          open.push({ sink: await store.create(info), storage, left: 3 });
        } else if (what === "write" && writing && writing.left > 0) {
          using table = writing.storage.snapshot().table;
          for (let i = 3; i > writing.left; i--) table.read(1);
          writing.left--;
          await writing.sink.write(table.read(1)!);
        } else if (what === "commit" && writing) {
          open = open.filter((one) => one !== writing);
          if (writing.left === 0) {
            const { id } = await writing.sink.commit();
            model.set(id, writing.storage.digest);
          } else {
            await assert.rejects(writing.sink.commit(), SnapshotStoreError);
            await writing.sink.abort();
          }
        } else if (what === "abort" && writing) {
          open = open.filter((one) => one !== writing);
          await writing.sink.abort();
        } else if (what === "delete" && stored) {
          await store.delete(stored);
          model.delete(stored);
        } else if (what === "read" && stored) {
          const { digest } = await read(place, stored);
          assert.equal(digest, model.get(stored));
        } else if (what === "restart") {
          await place.restart();
          open = [];
        }
        const listed = await place.store.list();
        assert.deepEqual(
          new Map(listed.map(({ id, info }) => [id, info.digest!])),
          model,
        );
      }
      for (const { sink } of open) await sink.abort();
      for (const id of model.keys()) await place.store.delete(id);
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), play),
      { numRuns: runs, seed: newSeed() },
    );
  });
}
