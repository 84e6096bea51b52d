import assert from "node:assert/strict";
import { inWorkers } from "../../src/snapshot/file_codec.ts";
import { FileStore } from "../../src/snapshot/file_store.ts";
import type { FilePlace, PlacedFile } from "../../src/snapshot/file_place.ts";
import {
  type BackupInfo,
  fileName,
  snapshotInfo,
} from "../../src/snapshot/format/backup_info.ts";
import { REST_MAX_MS } from "../../src/snapshot/format/rest.ts";
import { SnapshotDamagedError } from "../../src/snapshot/snapshot.ts";
import {
  saveSnapshot,
  SnapshotsForbiddenError,
  SnapshotStoreError,
} from "../../src/snapshot/store.ts";
import { Storage } from "../../src/storage/storage.ts";
import { backupOf, chunked } from "../support/backup_bytes.ts";
import { LOG_ID, restoreAll, snapshotOf } from "../support/snapshots.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const { signal: never } = new AbortController();

const STORAGE = new Storage();
for (let i = 0; i < 20_000; i++) STORAGE.set({ user_id: `user-${i}`, spp: i });
const FILE = await backupOf(STORAGE);
const INFO: BackupInfo = {
  ...snapshotOf(STORAGE).info,
  made: "2026-11-23T22:50:01.123Z",
};
const ID = fileName(INFO);

/** A place with one file, which goes wrong in some way. */
class BadPlace implements FilePlace {
  isThere = true;
  isMarked = false;
  info = INFO;
  open: FilePlace["open"] = () => Promise.resolve(chunked(FILE, 1_000));
  /** Called with what is written. */
  write: (bytes: Bytes) => Promise<void> = () => Promise.resolve();
  readonly ended: string[] = [];

  list(): Promise<PlacedFile[]> {
    return Promise.resolve(
      this.isThere
        ? [{
          id: ID,
          info: this.info,
          bytes: FILE.length,
          isVerified: this.isMarked,
        }]
        : [],
    );
  }

  create(info: BackupInfo) {
    return Promise.resolve({
      write: (bytes: Bytes) => this.write(bytes),
      commit: () => {
        this.ended.push("commit");
        return Promise.resolve({
          id: fileName(info),
          info,
          bytes: 1,
          isVerified: false,
        });
      },
      abort: () => {
        this.ended.push("abort");
        return Promise.resolve();
      },
    });
  }

  markVerified(): Promise<void> {
    this.isMarked = true;
    return Promise.resolve();
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }
}

function storeOf(place: FilePlace): FileStore {
  return new FileStore("the place", place);
}

/** A file that breaks off. */
function breaking(error: Error): ReadableStream<Bytes> {
  let isFirst = true;
  return new ReadableStream<Bytes>({
    pull: (controller) => {
      if (!isFirst) throw error;
      isFirst = false;
      controller.enqueue(FILE.slice(0, 1_000));
    },
  }, { highWaterMark: 0 });
}

Deno.test("FileStore says of a place's file what its header says", async () => {
  const place = new BadPlace();
  const store = storeOf(place);
  using snapshot = await store.open(ID, never);
  assert.deepEqual(snapshot.info, snapshotInfo(INFO));
  assert.equal((await restoreAll(snapshot)).digest, STORAGE.digest);
  const verified = await store.verify(ID, never);
  assert.ok(verified.isVerified && place.isMarked);
});

Deno.test("FileStore takes a file for damaged whose place says another thing of it than its header", async () => {
  const others: Partial<BackupInfo>[] = [
    { logId: "another" },
    { sequence: 121 },
    { time: "2026-11-23T22:49:58Z" },
    { rows: 19_999 },
    { digest: "0".repeat(16) },
    { made: "2026-11-23T22:50:01.124Z" },
  ];
  for (const other of others) {
    const place = new BadPlace();
    place.info = { ...INFO, ...other };
    const store = storeOf(place);
    await assert.rejects(store.open(ID, never), SnapshotDamagedError);
    await assert.rejects(store.verify(ID, never), SnapshotDamagedError);
    assert.ok(!place.isMarked);
  }
});

Deno.test("FileStore leaves no file open whose header is not what it must be", async () => {
  const plain = await new Response(
    new Blob(["a"]).stream().pipeThrough(new CompressionStream("gzip")),
  ).bytes();
  for (const file of [plain, FILE, FILE.slice(0, 20), new Uint8Array([1])]) {
    const place = new BadPlace();
    place.info = { ...INFO, logId: "another" };
    let left = 0;
    place.open = () => {
      left++;
      const whole = chunked(file, 1_000).getReader();
      return Promise.resolve(
        new ReadableStream({
          pull: async (controller) => {
            const { done, value } = await whole.read();
            if (!done) return controller.enqueue(value);
            left--;
            controller.close();
          },
          cancel: () => void left--,
        }, { highWaterMark: 0 }),
      );
    };
    const store = storeOf(place);
    await assert.rejects(store.open(ID, never), SnapshotDamagedError);
    await assert.rejects(store.verify(ID, never), SnapshotDamagedError);
    assert.equal(left, 0);
  }
});

Deno.test("FileStore tells damage from a file that can't be read now", async () => {
  const outcomes: [Error, new (text: string) => Error, RegExp][] = [
    [
      new SnapshotDamagedError("its SHA-256 is wrong"),
      SnapshotDamagedError,
      /^its/,
    ],
    [new SnapshotStoreError("the broker is away"), SnapshotStoreError, /^the/],
    [
      new SnapshotsForbiddenError("no permission"),
      SnapshotsForbiddenError,
      /^no/,
    ],
    [
      new TypeError("something"),
      SnapshotStoreError,
      /^Cannot read the snapshot usergrades-.*: something$/,
    ],
  ];
  for (const [error, ErrorClass, says] of outcomes) {
    const place = new BadPlace();
    const store = storeOf(place);
    const isRight = (thrown: Error) => {
      assert.equal(thrown.constructor, ErrorClass);
      assert.match(thrown.message, says);
      return true;
    };
    place.open = () => Promise.reject(error);
    await assert.rejects(store.open(ID, never), isRight);
    place.open = () => Promise.resolve(breaking(error));
    await assert.rejects(store.verify(ID, never), isRight);
    await assert.rejects(
      store.open(ID, never).then(restoreAll),
      isRight,
    );
    assert.ok(!place.isMarked);
  }
});

Deno.test("FileStore says nothing against a file that is deleted while it is read back", async () => {
  const place = new BadPlace();
  place.open = () => {
    place.isThere = false;
    // Its chunks go one by one.
    return Promise.resolve(chunked(FILE.slice(0, -1_000), 1_000));
  };
  await assert.rejects(storeOf(place).verify(ID, never), (error: Error) => {
    assert.equal(error.constructor, SnapshotStoreError);
    assert.match(error.message, /there is no backup of that name/);
    return true;
  });
});

Deno.test("FileStore writes at the pace of its place, and holds no more than a window", async () => {
  const place = new BadPlace();
  const storage = new Storage();
  for (let i = 0; i < 100_000; i++) {
    storage.set({
      user_id: crypto.getRandomValues(new Uint8Array(16)).toBase64(),
    });
  }
  const gate = Promise.withResolvers<void>();
  place.write = () => gate.promise;
  using snapshot = snapshotOf(storage);
  let blocks = 0;
  const saving = saveSnapshot({
    ...snapshot,
    blocks: (async function* () {
      for await (const rows of snapshot.blocks) {
        blocks++;
        yield rows;
      }
    })(),
  }, storeOf(place));
  for (let before = -1; blocks !== before;) {
    before = blocks;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(blocks <= 4, `${blocks} blocks of 25 were taken`);
  gate.resolve();
  await saving;
  assert.deepEqual(place.ended, ["commit"]);
});

Deno.test("FileStore ends a snapshot whose place fails, whatever waits", async () => {
  const error = new SnapshotStoreError("the place is full");
  for (const failingWrite of [1, 2, 5]) {
    const place = new BadPlace();
    let writes = 0;
    place.write = () =>
      ++writes === failingWrite ? Promise.reject(error) : Promise.resolve();
    using snapshot = snapshotOf(STORAGE);
    await assert.rejects(saveSnapshot(snapshot, storeOf(place)), error);
    assert.deepEqual(place.ended, ["abort"]);
  }
});

Deno.test("FileStore.abort() ends a snapshot while its place takes no more bytes", async () => {
  const place = new BadPlace();
  place.write = () => new Promise(() => {});
  const { info, blocks } = snapshotOf(STORAGE, { logId: LOG_ID });
  const sink = await storeOf(place).create(info);
  const writing = (async () => {
    for await (const rows of blocks) await sink.write(rows);
  })();
  await new Promise((resolve) => setTimeout(resolve, 0));
  const ended = assert.rejects(writing, SnapshotStoreError);
  await sink.abort();
  await ended;
  assert.deepEqual(place.ended, ["abort"]);
  await assert.rejects(sink.commit(), SnapshotStoreError);
});

Deno.test("FileStore lets its workers rest as long as it is told, and ends all the same", async () => {
  const place = new BadPlace();
  const chunks = 4;
  place.open = () =>
    Promise.resolve(chunked(FILE, Math.ceil(FILE.length / chunks)));
  let asked = 0;
  const codec = inWorkers(() => {
    asked++;
    // However long that is, a rest has an end.
    return 1e9;
  });
  const store = new FileStore("the place", place, { codec });
  const timed = async (work: () => Promise<unknown>, pieces: number) => {
    asked = 0;
    const began_ms = performance.now();
    await work();
    assert.ok(asked >= pieces);
    assert.ok(performance.now() - began_ms >= asked * REST_MAX_MS);
  };
  using snapshot = snapshotOf(STORAGE);
  await timed(() => saveSnapshot(snapshot, store), 4);
  await timed(() => store.verify(ID, never), chunks);
  assert.deepEqual(place.ended, ["commit"]);
  assert.ok(place.isMarked);
});

Deno.test("FileStore names a file by the clock, which may go back, and none at a sequence like the one before it", async () => {
  let now_ms = Date.parse(INFO.made) + 86_400_000;
  const place = new BadPlace();
  place.isThere = false;
  const made: string[] = [];
  const { create } = place;
  place.create = (info) => {
    made.push(`${info.sequence} ${info.made}`);
    return create.call(place, info);
  };
  const store = new FileStore("the place", place, { now: () => now_ms });
  const file = async (sequence: number) => {
    const sink = await store.create({ ...snapshotInfo(INFO), sequence });
    await sink.abort();
  };
  for (const sequence of [1, 1, 2]) await file(sequence);
  now_ms -= 86_400_000;
  for (const sequence of [2, 3]) await file(sequence);
  place.isThere = true;
  await file(INFO.sequence);
  assert.deepEqual(made, [
    "1 2026-11-24T22:50:01.123Z",
    "1 2026-11-24T22:50:02.123Z",
    "2 2026-11-24T22:50:01.123Z",
    "2 2026-11-24T22:50:02.123Z",
    "3 2026-11-23T22:50:01.123Z",
    `${INFO.sequence} 2026-11-23T22:50:02.123Z`,
  ]);
});
