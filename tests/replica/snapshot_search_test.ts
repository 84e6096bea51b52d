import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { decodeEntry } from "../../src/log/change.ts";
import { SqliteLog } from "../../src/log/sqlite/sqlite_log.ts";
import {
  type Found,
  type NamedStore,
  SnapshotSearch,
} from "../../src/replica/snapshot_search.ts";
import type { LocatingLog } from "../../src/replica/search_attempt.ts";
import { FileStore } from "../../src/snapshot/file_store.ts";
import { FolderPlace } from "../../src/snapshot/folder_place.ts";
import { type SnapshotSource, SourceError } from "../../src/snapshot/source.ts";
import {
  saveSnapshot,
  type SnapshotStore,
  SnapshotStoreError,
} from "../../src/snapshot/store.ts";
import { Storage } from "../../src/storage/storage.ts";
import { newSeed, Random } from "../support/random.ts";
import { snapshotOf } from "../support/snapshots.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const ENTRIES = 9;

/** How many bits are flipped, one after the other; each file starts workers. */
const FILE_FLIPS = 10;
const ROW_FLIPS = 40;

/** A real log with entries, the states after them, and two real stores. */
class Bench implements AsyncDisposable {
  readonly #folder = new TemporaryFolder();
  log = new SqliteLog(this.#folder.path);
  readonly files = `${this.#folder.path}/files`;
  readonly folderStore = new FileStore(
    "the folder",
    new FolderPlace(this.files),
  );
  logId = "";
  readonly told: string[] = [];
  /** The stored snapshots that turned out to be damaged, by store. */
  readonly doubted: string[] = [];

  static async make(): Promise<Bench> {
    const bench = new Bench();
    bench.logId = (await bench.log.open()).id;
    for (let i = 1; i <= ENTRIES; i++) {
      const text = JSON.stringify([{ user_id: `u${i % 4}`, spp: i }]);
      await bench.log.propose(i, new TextEncoder().encode(text));
    }
    // It reads them from its file then, as at a start.
    await bench.edit(() => {});
    return bench;
  }

  get places(): { embedded: NamedStore; folder: NamedStore } {
    return {
      embedded: { name: "the embedded log", store: this.log.snapshots },
      folder: { name: "the folder", store: this.folderStore },
    };
  }

  /** The state after an entry. */
  stateAt(sequence: number): Storage {
    const storage = new Storage();
    for (let i = 1; i <= sequence; i++) {
      storage.set({ user_id: `u${i % 4}`, spp: i });
    }
    return storage;
  }

  async save(
    store: SnapshotStore,
    sequence: number,
    lies = {},
  ): Promise<string> {
    const { time } = await this.log.locate(sequence);
    using snapshot = snapshotOf(this.stateAt(sequence), {
      logId: this.logId,
      sequence,
      time: time ?? null,
      ...lies,
    });
    return (await saveSnapshot(snapshot, store)).id;
  }

  async search(
    stores: readonly NamedStore[],
    { sources = [], log = this.log, entry = 0, objection }: {
      sources?: readonly SnapshotSource[];
      log?: LocatingLog;
      entry?: number;
      objection?: () => string;
    } = {},
  ): Promise<Found> {
    const search = new SnapshotSearch(
      { sources, stores },
      log,
      ({ reason }) => this.told.push(reason),
      (store, id) => this.doubted.push(`${store}/${id}`),
    );
    const wanted = {
      logId: this.logId,
      entry,
      ...(objection && { objection }),
    };
    return await search.run(wanted, new AbortController().signal);
  }

  /** Applies the log's entries after what was found. */
  async digestOf(found: Found): Promise<string> {
    assert.ok(found.type === "restored", found.account);
    const { storage, place } = found;
    let { sequence } = place;
    const later = this.log.entries(sequence);
    while (sequence < ENTRIES) {
      const { value } = await later.next();
      for (const entry of value!.entries) {
        for (const patch of decodeEntry(entry.payload!)) storage.set(patch);
        sequence = entry.sequence;
      }
    }
    return storage.digest;
  }

  /** Changes the log's file behind its back. */
  async edit(change: (db: DatabaseSync) => void): Promise<void> {
    await this.log.close();
    const db = new DatabaseSync(`${this.#folder.path}/usergrade.db`);
    change(db);
    db.close();
    this.log = new SqliteLog(this.#folder.path);
    await this.log.open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log.close();
    this.#folder[Symbol.dispose]();
  }
}

function sequenceOf(found: Found): number | undefined {
  return found.type === "restored" ? found.place.sequence : undefined;
}

function flipBit(bytes: Uint8Array, random: Random): void {
  bytes[random.below(bytes.length)] ^= 1 << random.below(8);
}

const unreachable: SnapshotSource = {
  name: "http://b",
  open: () => Promise.reject(new SourceError("unreachable: no route")),
};

/** A store that can't be asked now. */
function broken(message: string): SnapshotStore {
  const fail = () => Promise.reject(new SnapshotStoreError(message));
  return { list: fail, open: fail, create: fail, delete: fail, verify: fail };
}

Deno.test("SnapshotSearch takes the newest snapshot over all stores, and of two the first store's", async () => {
  await using bench = await Bench.make();
  const { embedded, folder } = bench.places;
  await bench.save(embedded.store, 3);
  await bench.save(folder.store, 7);
  await bench.save(embedded.store, 7);
  await bench.save(folder.store, 5);
  const found = await bench.search([folder, embedded]);
  assert.equal(sequenceOf(found), 7);
  assert.match(found.account, /^restored from the folder at sequence 7$/);
  const other = await bench.search([embedded, folder]);
  assert.match(other.account, /^restored from the embedded log at sequence 7$/);
  assert.ok(bench.told.every((reason) => /^restoring from the/.test(reason)));
});

Deno.test("SnapshotSearch says what was taken and, in a few words, why not the others", async () => {
  await using bench = await Bench.make();
  const { embedded, folder } = bench.places;
  const cut = { name: "the bucket", store: broken("Cannot list: no answer") };
  await bench.save(folder.store, 8, { logId: "other" });
  await bench.save(folder.store, 7, { sequence: 99 });
  await bench.save(folder.store, 6, { time: "2020-01-01T00:00:00Z" });
  await bench.save(folder.store, 4);
  const found = await bench.search([cut, embedded, folder], {
    sources: [unreachable],
  });
  assert.equal(sequenceOf(found), 4);
  assert.equal(
    found.account,
    "restored from the folder at sequence 4 (not from http://b: unreachable; the bucket: Cannot list: no answer; the embedded log: none; the folder: ahead of the log, of another log, of another history)",
  );
});

Deno.test("SnapshotSearch reads nothing of snapshots that the listing rules out, and counts them", async () => {
  await using bench = await Bench.make();
  const { folder } = bench.places;
  for (const sequence of [1, 2, 3]) await bench.save(folder.store, sequence);
  const opened: string[] = [];
  const store: SnapshotStore = {
    ...broken("not asked"),
    list: () => folder.store.list(),
    open: (id, signal) => {
      opened.push(id);
      return folder.store.open(id, signal);
    },
  };
  const found = await bench.search([{ name: "it", store }], { entry: 3 });
  assert.equal(sequenceOf(found), 3);
  assert.equal(opened.length, 1);
  const none = await bench.search([{ name: "it", store }], { entry: 4 });
  assert.deepEqual(none, {
    type: "nothing",
    account: "it: too old for this replica (3)",
  });
  assert.equal(opened.length, 1);
});

/** An empty log that begins after its entries: none of them is there. */
const EMPTIED: LocatingLog = {
  locate: () =>
    Promise.resolve({
      firstSequence: ENTRIES + 1,
      lastSequence: ENTRIES,
      time: undefined,
    }),
};

/** A replica that has another history up to a sequence. */
function forkedPeer(logId: string): SnapshotSource {
  const info = { logId, sequence: ENTRIES, rows: 0 };
  return {
    name: "http://b",
    open: () => Promise.resolve(snapshotOf(new Storage(), info)),
  };
}

Deno.test("SnapshotSearch takes what is stored before what a source has where the log is empty, of the most healings", async () => {
  await using bench = await Bench.make();
  const { embedded, folder } = bench.places;
  const points = [{ sequence: 2, digest: "0123456789abcdef" }];
  await bench.save(embedded.store, ENTRIES);
  await bench.save(folder.store, ENTRIES, { heals: { count: 1, points } });
  const sources = [forkedPeer(bench.logId)];
  const found = await bench.search([embedded, folder], {
    sources,
    log: EMPTIED,
  });
  assert.match(found.account, /^restored from the folder at sequence 9$/);
  assert.equal(await bench.digestOf(found), bench.stateAt(ENTRIES).digest);
  const other = await bench.search([], { sources, log: EMPTIED });
  assert.match(other.account, /^restored from http:/);
});

Deno.test("SnapshotSearch takes none that the replica objects to, unless an entry of the log shows it", async () => {
  await using bench = await Bench.make();
  const { folder } = bench.places;
  await bench.save(folder.store, ENTRIES);
  const objection = () => "two histories: its entry 3 is none of these";
  assert.deepEqual(
    await bench.search([folder], { log: EMPTIED, objection }),
    {
      type: "nothing",
      account: "the folder: of another history, or this replica is",
    },
  );
  assert.equal(
    sequenceOf(await bench.search([folder], { objection })),
    ENTRIES,
  );
});

Deno.test("SnapshotSearch gives the log's digest whatever bit of the newest file is wrong", async () => {
  await using bench = await Bench.make();
  const { folder } = bench.places;
  await bench.save(folder.store, 3);
  await bench.save(folder.store, 7);
  const [newest] = await Array.fromAsync(Deno.readDir(bench.files))
    .then((entries) => entries.filter(({ name }) => /-7\.csv\.gz/.test(name)));
  const path = `${bench.files}/${newest.name}`;
  const whole = Deno.readFileSync(path);
  const digest = bench.stateAt(ENTRIES).digest;
  const seed = newSeed();
  const random = new Random(seed);
  let older = 0;
  for (let i = 0; i < FILE_FLIPS; i++) {
    const bytes = whole.slice();
    flipBit(bytes, random);
    Deno.writeFileSync(path, bytes);
    const found = await bench.search([folder]);
    assert.equal(await bench.digestOf(found), digest, `seed ${seed}`);
    if (sequenceOf(found) === 3) older++;
  }
  assert.ok(older > 0, `seed ${seed}`);
  for (const length of [0, 9, whole.length - 1]) {
    Deno.writeFileSync(path, whole.slice(0, length));
    assert.equal(sequenceOf(await bench.search([folder])), 3);
  }
});

Deno.test("SnapshotSearch gives the log's digest whatever bit of the newest stored rows is wrong", async () => {
  await using bench = await Bench.make();
  await bench.save(bench.log.snapshots, 3);
  const id = await bench.save(bench.log.snapshots, 7);
  const digest = bench.stateAt(ENTRIES).digest;
  const seed = newSeed();
  const random = new Random(seed);
  for (let i = 0; i < ROW_FLIPS; i++) {
    const column = random.pick(["keys", "key_ends", "numbers"]);
    const write = (db: DatabaseSync, bytes: Uint8Array) =>
      db.prepare(`UPDATE base_rows SET ${column} = ? WHERE base = ?`)
        .run(bytes, id);
    let whole = new Uint8Array();
    await bench.edit((db) => {
      const row = db.prepare(`SELECT ${column} FROM base_rows WHERE base = ?`)
        .get(id)!;
      whole = row[column] as Uint8Array<ArrayBuffer>;
      const bytes = whole.slice();
      flipBit(bytes, random);
      write(db, bytes);
    });
    const found = await bench.search([bench.places.embedded]);
    assert.equal(await bench.digestOf(found), digest, `seed ${seed}`);
    // The sign of a zero is no part of a record.
    const isZeroSign = column === "numbers" && sequenceOf(found) === 7;
    if (!isZeroSign) {
      assert.equal(sequenceOf(found), 3, `seed ${seed}`);
      assert.match(found.account, /\(not from the embedded log: damaged\)/);
      assert.equal(bench.doubted.pop(), `the embedded log/${id}`);
    }
    await bench.edit((db) => write(db, whole));
  }
  assert.equal(sequenceOf(await bench.search([bench.places.embedded])), 7);
});
