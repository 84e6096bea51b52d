import assert from "node:assert/strict";
import { BackupError } from "../../../src/snapshot/format/backup_error.ts";
import { parseBackupInfo } from "../../../src/snapshot/format/backup_info.ts";
import { openBackup } from "../../../src/snapshot/format/open_backup.ts";
import { Storage } from "../../../src/storage/storage.ts";
import {
  backupOf,
  chunked,
  gzipHeaderBytes,
} from "../../support/backup_bytes.ts";
import { eventually } from "../../support/eventually.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const STORAGE = new Storage();
for (let i = 0; i < 60_000; i++) {
  STORAGE.set({ user_id: `user-${i}`, spp: i, return_fee: 2 ** 40 + i });
}
const FILE = await backupOf(STORAGE);
const FOUND = { rows: STORAGE.size, digest: STORAGE.digest };

async function restoreRows(file: ReadableStream<Bytes>): Promise<Storage> {
  using backup = await openBackup(file);
  const storage = new Storage();
  for await (const rows of backup.rows()) storage.restore(rows);
  return storage;
}

async function count(file: ReadableStream<Bytes>) {
  using backup = await openBackup(file);
  return await backup.count();
}

/** The first bytes of a file, and then what a function does. */
function beginning(
  bytes: Bytes,
  then: (controller: ReadableStreamDefaultController<Bytes>) => void,
): ReadableStream<Bytes> {
  const chunks = [bytes.slice()];
  return new ReadableStream<Bytes>({
    pull: (controller) => {
      const chunk = chunks.shift();
      if (chunk !== undefined) controller.enqueue(chunk);
      else then(controller);
    },
  }, { highWaterMark: 0 });
}

Deno.test("openBackup() gives the rows of a file, and what they come to, whatever the chunks", async () => {
  for (const size of [100, 10_000, 1e9]) {
    const copy = await restoreRows(chunked(FILE, size));
    assert.deepEqual({ rows: copy.size, digest: copy.digest }, FOUND);
    assert.deepEqual(await count(chunked(FILE, size)), FOUND);
  }
});

Deno.test("openBackup() takes chunks that share a buffer, and leaves it alone", async () => {
  let at = 0;
  const file = FILE.slice();
  const stream = new ReadableStream<Bytes>({
    pull: (controller) => {
      if (at >= file.length) return controller.close();
      controller.enqueue(file.subarray(at, at += 10_000));
    },
  });
  assert.deepEqual(await count(stream), FOUND);
  assert.deepEqual(file, FILE);
});

Deno.test("openBackup() reads the header without a worker, and closes what is not read on", async () => {
  let cancelled: unknown;
  const file = new ReadableStream<Bytes>({
    start: (controller) => controller.enqueue(FILE.slice(0, 1_000)),
    cancel: (reason) => {
      cancelled = reason;
    },
  });
  const { Worker } = globalThis;
  globalThis.Worker = class {
    constructor() {
      throw new Error("no worker is needed");
    }
  } as unknown as typeof Worker;
  try {
    using backup = await openBackup(file);
    assert.equal(parseBackupInfo(backup.header).rows, FOUND.rows);
  } finally {
    globalThis.Worker = Worker;
  }
  assert.match(String(cancelled), /The backup was closed/);
});

Deno.test("openBackup() blames the file if it is damaged, cut short or no backup", async () => {
  const start = gzipHeaderBytes(FILE);
  const files = [
    FILE.with(start + 100, FILE[start + 100] ^ 1),
    FILE.with(FILE.length - 8, FILE[FILE.length - 8] ^ 1),
    FILE.slice(0, -1),
    FILE.slice(0, start + 1_000),
    FILE.slice(0, 20),
    new TextEncoder().encode("no gzip"),
    new Uint8Array(0),
  ];
  for (const file of files) {
    await assert.rejects(restoreRows(chunked(file, 1_000)), BackupError);
    await assert.rejects(count(chunked(file, 1_000)), BackupError);
  }
});

Deno.test("openBackup() passes on the error with which its stream breaks off", async () => {
  const error = new Error("it broke off");
  for (const bytes of [20, 1_000, FILE.length - 1]) {
    for (const read of [restoreRows, count]) {
      const file = beginning(
        FILE.slice(0, bytes),
        (controller) => controller.error(error),
      );
      await assert.rejects(read(file), error);
    }
  }
});

Deno.test("OpenBackup.close() ends a read that waits, and the one after it", async () => {
  const reason = new Error("no more of it");
  for (const read of ["rows", "count"] as const) {
    let cancelled: unknown;
    const asked = Promise.withResolvers<void>();
    const file = beginning(FILE.slice(0, 1_000), () => asked.resolve());
    const backup = await openBackup(file.pipeThrough(
      new TransformStream({ cancel: (reason) => void (cancelled = reason) }),
    ));
    const reading = read === "rows"
      ? Array.fromAsync(backup.rows())
      : backup.count();
    const ended = assert.rejects(reading, reason);
    await asked.promise;
    backup.close(reason);
    await ended;
    assert.equal(cancelled, reason);
    await assert.rejects(async () => await backup.count(), reason);
  }
});

Deno.test("openBackup() reads no more of a file than its windows hold while nobody takes its rows", async () => {
  let given = 0;
  const file = chunked(FILE, 1_000).pipeThrough(
    new TransformStream({
      transform: (chunk, controller) => {
        given++;
        controller.enqueue(chunk);
      },
    }),
  );
  using backup = await openBackup(file);
  const rows = backup.rows()[Symbol.asyncIterator]();
  await rows.next();
  let before = -1;
  await eventually(() => {
    const isStill = given === before;
    before = given;
    assert.ok(isStill);
  });
  assert.ok(given < FILE.length / 1_000, `${given} chunks`);
  let left = 0;
  for (let next; !(next = await rows.next()).done;) left += next.value.count;
  assert.ok(left > FOUND.rows / 2);
});

Deno.test("openBackup() says that its worker died", async () => {
  const { Worker } = globalThis;
  globalThis.Worker = class extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      // No message is null: the worker fails at it.
      super.postMessage(null);
    }
  };
  // It has the worker that an earlier test may have left.
  using busy = await openBackup(beginning(FILE, () => {}));
  const broken = assert.rejects(busy.count(), /was closed|worker died/);
  try {
    for (const read of [restoreRows, count]) {
      await assert.rejects(read(chunked(FILE, 1_000)), {
        name: "Error",
        message: /^The decode worker died: .*TypeError/,
      });
    }
  } finally {
    globalThis.Worker = Worker;
  }
  busy.close();
  await broken;
});

Deno.test("openBackup() counts one file after the other, damaged ones too", async () => {
  const cut = FILE.subarray(0, FILE.length - 9);
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await count(chunked(FILE, 10_000)), FOUND);
    await assert.rejects(count(chunked(cut, 10_000)), BackupError);
  }
});
