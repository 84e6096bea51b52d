import assert from "node:assert/strict";
import {
  type NewLog,
  type ReadObserver,
  readState,
} from "../../src/snapshot/state_file.ts";
import { SourceError } from "../../src/snapshot/source.ts";
import {
  backupOf,
  flipBackupBit,
  format1Of,
  storageOf,
} from "../support/backup_bytes.ts";
import { LOG_ID } from "../support/snapshots.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const NEW_LOG: NewLog = {
  id: "0123456789abcdef",
  time: "2026-11-26T08:00:00.000Z",
};

const NEVER = new AbortController().signal;

const QUIET: ReadObserver = {
  progress: () => {},
  objection: () => Promise.resolve(undefined),
};

const GRADES = Array.from({ length: 3_000 }, (_, i) => ({
  user_id: `u${i}`,
  postpaid_limit: i,
  spp: -i,
  shipping_fee: 2 ** 40 + i,
  return_fee: 0,
}));

/** Reads a state from a file with these bytes. */
async function read(
  bytes: Uint8Array | string,
  told: [rows: number, percent: number][] = [],
) {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/a file`;
  Deno.writeFileSync(
    path,
    typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes,
  );
  const url = `file://${encodeURI(path)}`;
  return await readState(
    url,
    NEW_LOG,
    { ...QUIET, progress: (rows, percent) => told.push([rows, percent]) },
    NEVER,
  );
}

async function gzip(text: string): Promise<Uint8Array> {
  const stream = new Response(text).body!
    .pipeThrough(new CompressionStream("gzip"));
  return await new Response(stream).bytes();
}

Deno.test("readState() keeps the log and the sequence of a backup, of both formats", async () => {
  const storage = storageOf(GRADES);
  const backup = await backupOf(storage);
  for (const file of [backup, format1Of(backup)]) {
    const told: [number, number][] = [];
    const { info, storage: found } = await read(file, told);
    assert.deepEqual(info, {
      logId: LOG_ID,
      sequence: 120,
      time: "2026-11-23T22:49:59.123456789Z",
      rows: GRADES.length,
      digest: storage.digest,
    });
    assert.equal(found.digest, storage.digest);
    assert.deepEqual(told.at(-1), [GRADES.length, 100]);
  }
});

Deno.test("readState() gives a new log to the backup of one that was made by hand, and a sequence to a state before any entry", async () => {
  const storage = storageOf(GRADES.slice(0, 2));
  const byHand = await read(
    await backupOf(storage, { logId: "USERGRADE@2026-11-23T22:49:59Z" }),
  );
  assert.equal(byHand.info.logId, NEW_LOG.id);
  assert.equal(byHand.info.sequence, 120);
  const unbegun = await read(
    await backupOf(storage, { sequence: 0, time: null }),
  );
  assert.deepEqual(
    [unbegun.info.logId, unbegun.info.sequence, unbegun.info.time],
    [LOG_ID, 1, NEW_LOG.time],
  );
});

Deno.test("readState() takes any CSV file that an import takes as the state at sequence 1 of a new log", async () => {
  const csv = "\ufeffSPP;User_ID\r\n7;ann\r\n;bob\r\n\r\n8;ann\r\n";
  for (const file of [csv, await gzip(csv)]) {
    const told: [number, number][] = [];
    const { info, storage } = await read(file, told);
    assert.deepEqual(info, {
      logId: NEW_LOG.id,
      sequence: 1,
      time: NEW_LOG.time,
      rows: 2,
      digest: storage.digest,
    });
    // A row is a partial update: the last value counts, what is not given is 0.
    assert.deepEqual(storage.get("ann"), {
      user_id: "ann",
      postpaid_limit: 0,
      spp: 8,
      shipping_fee: 0,
      return_fee: 0,
    });
    assert.equal(storage.get("bob")?.spp, 0);
    assert.deepEqual(told.at(-1), [3, 100]);
  }
  const plain = new TextDecoder().decode(
    await new Response(
      new Response(await backupOf(storageOf(GRADES))).body!
        .pipeThrough(new DecompressionStream("gzip")),
    ).bytes(),
  );
  const { info } = await read(plain);
  assert.equal(info.digest, storageOf(GRADES).digest);
  assert.equal(info.sequence, 1);
});

Deno.test("readState() refuses a file that is missing, cut short, damaged, or no table, and says which", async () => {
  const backup = await backupOf(storageOf(GRADES));
  const lying = await backupOf(storageOf(GRADES), { rows: 2_999 });
  const wrong: [file: Uint8Array | string, reason: RegExp][] = [
    [backup.subarray(0, backup.length - 9), /damaged: .*/],
    [backup.subarray(0, 40), /ends in its header/],
    [flipBackupBit(backup, 0.5), /damaged: /],
    [lying, /has 3000 or more rows and says 2999/],
    ["", /line 1/],
    ["user_id,spp\nann,x\n", /line 2/],
    ["PK\x03\x04", /xlsx/],
    ["\x1f", /./],
  ];
  for (const [file, reason] of wrong) {
    await assert.rejects(read(file), (error) => {
      assert.ok(error instanceof SourceError, String(error));
      assert.match(error.message, reason);
      return true;
    });
  }
  for (
    const [path, reason] of [
      ["/nowhere/at all.csv", /there is no such file/],
      ["/tmp", /./],
    ] as const
  ) {
    await assert.rejects(
      readState(`file://${path}`, NEW_LOG, QUIET, NEVER),
      (error) => error instanceof SourceError && reason.test(error.message),
    );
  }
});

Deno.test("readState() ends when it is aborted", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/file.csv`;
  const rows = GRADES.map(({ user_id, spp }) => `${user_id},${spp}\n`).join("");
  Deno.writeTextFileSync(path, `user_id,spp\n${rows.repeat(20)}`);
  const aborted = new AbortController();
  let time = 0;
  await assert.rejects(
    readState(
      `file://${path}`,
      NEW_LOG,
      { ...QUIET, progress: () => aborted.abort() },
      aborted.signal,
      { now: () => time += 10, pause: () => Promise.resolve() },
    ),
    { name: "AbortError" },
  );
});

Deno.test("readState() reads no row of a backup that is objected to", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/file.csv.gz`;
  Deno.writeFileSync(path, await backupOf(storageOf(GRADES)));
  const asked: unknown[] = [];
  await assert.rejects(
    readState(`file://${path}`, NEW_LOG, {
      progress: () => assert.fail("rows were read"),
      objection: (place) => {
        asked.push(place);
        return Promise.resolve("there is a later one");
      },
    }, NEVER),
    { name: "SourceError", message: "there is a later one" },
  );
  assert.deepEqual(asked, [{ logId: LOG_ID, sequence: 120 }]);
});
