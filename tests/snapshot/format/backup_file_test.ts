import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import {
  backupInfoJson,
  parseBackupInfo,
  parseBackupInfoJson,
} from "../../../src/snapshot/format/backup_info.ts";
import { BackupError } from "../../../src/snapshot/format/backup_error.ts";
import { readBackup } from "../../../src/snapshot/format/read_backup.ts";
import { writeBackup } from "../../../src/snapshot/format/write_backup.ts";
import { Storage } from "../../../src/storage/storage.ts";
import {
  backupOf,
  chunked,
  restored,
  storageOf,
} from "../../support/backup_bytes.ts";
import { snapshotOf } from "../../support/snapshots.ts";
import { TemporaryFolder } from "../../support/temporary_folder.ts";

const ODD_IDS = [
  "comma,",
  '"',
  "#hash",
  "=1+1",
  " space ",
  "emoji 😀",
  "\ufeffmark",
  "é".repeat(128),
  "x".repeat(256),
  '"'.repeat(256),
  "漢字",
  "'",
  ";",
  "a\u2028b",
];

function oddStorage(): Storage {
  return storageOf(ODD_IDS.map((user_id, i) => ({
    user_id,
    postpaid_limit: i,
    spp: -i,
    shipping_fee: Number.MAX_SAFE_INTEGER,
    return_fee: 2 ** 31,
  })));
}

const NOW = "2026-11-23T22:50:01.123Z";

Deno.test("a backup restores to the same digest, whatever the chunks", async () => {
  const storage = oddStorage();
  for (let i = 0; i < 5000; i++) storage.set({ user_id: `user-${i}`, spp: i });
  const bytes = await backupOf(storage);
  for (const chunkSize of [1, 13, 1000, 1e9]) {
    const copy = await restored(bytes, chunkSize);
    assert.equal(copy.digest, storage.digest);
    assert.equal(copy.size, storage.size);
  }
});

Deno.test("an empty backup is a backup", async () => {
  const bytes = await backupOf(new Storage());
  assert.equal((await restored(bytes)).size, 0);
});

Deno.test("a backup says in its header what the contract says", async () => {
  const bytes = await backupOf(oddStorage());
  const { header } = await readBackup(chunked(bytes, 10));
  assert.equal(header.name, "usergrades-20261123T225001Z-120.csv");
  assert.equal(header.modified_s, Date.UTC(2026, 10, 23, 22, 50, 1) / 1000);
  assert.equal(header.comment, "");
  assert.deepEqual([...header.extra.keys()], ["UG"]);
  const info = JSON.parse(header.extra.get("UG")!);
  assert.deepEqual(Object.keys(info), [
    "format",
    "time",
    "log_id",
    "sequence",
    "sequence_time",
    "rows",
    "digest",
  ]);
  assert.equal(info.format, "usergrade-backup/2");
  assert.equal(info.time, "2026-11-23T22:50:01.123Z");
  assert.equal(info.rows, ODD_IDS.length);
  assert.equal(parseBackupInfo(header).digest, oddStorage().digest);
});

Deno.test("a backup says where its log was healed, and one of a log that never was says nothing", async () => {
  const points = Array.from({ length: 32 }, (_, i) => ({
    digest: "0123456789abcdef",
    sequence: Number.MAX_SAFE_INTEGER - 40 + i,
  }));
  const heals = { count: 2 ** 40, points };
  const snapshot = snapshotOf(new Storage(), { heals });
  const file = writeBackup(snapshot, NOW);
  const { header } = await readBackup(file);
  const info = parseBackupInfo(header);
  assert.deepEqual(info.heals, heals);
  const json = header.extra.get("UG")!;
  assert.equal(backupInfoJson(info), json);
  // As large as can be, it has room in a header of HTTP.
  assert.ok(json.length < 4_096, `${json.length}`);
  const never = await readBackup(chunked(await backupOf(new Storage()), 99));
  assert.ok(!("heals" in parseBackupInfo(never.header)));
  assert.ok(!never.header.extra.get("UG")!.includes("heals"));
  for (
    const wrong of [
      { count: 0, points },
      { count: 1, points: [] },
      { count: 1, points: [{ sequence: -1, digest: points[0].digest }] },
      { count: 1, points: [{ sequence: 1, digest: "x" }] },
      { count: 1 },
    ]
  ) {
    const text = JSON.stringify({ ...JSON.parse(json), heals: wrong });
    assert.throws(() => parseBackupInfoJson(text), BackupError);
  }
});

Deno.test("zcat, gzip, file and Python's csv read a backup with no options", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/backup.csv.gz`;
  const bytes = await backupOf(oddStorage());
  Deno.writeFileSync(path, bytes);
  const run = async (command: string, ...args: string[]) => {
    const { success, stdout, stderr } = await new Deno.Command(command, {
      args,
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(stdout);
  };
  const text = await run("zcat", path);
  assert.match(
    text,
    /^user_id,postpaid_limit,spp,shipping_fee,return_fee\r\n/,
  );
  await run("gzip", "-t", path);
  assert.match(
    await run("gzip", "-lN", path),
    /%.*usergrades-20261123T225001Z-120\.csv\n$/,
  );
  const program = `
import csv, gzip, io, json, sys
with gzip.open(sys.argv[1]) as f:
    rows = list(csv.reader(io.TextIOWrapper(f, encoding="utf-8", newline="")))
json.dump(sorted(row[0] for row in rows[1:]), sys.stdout)`;
  assert.deepEqual(
    JSON.parse(await run("python3", "-c", program, path)).sort(),
    [...ODD_IDS].sort(),
  );
  assert.match(
    await run("file", path),
    /gzip compressed data, .*last modified: Mon Nov 23 22:50:01 2026/,
  );
});

/** A file of the oldest format, as it was written. */
const FORMAT_1 = Uint8Array.fromBase64(
  `H4sIGBnDBGsA/3VzZXJncmFkZXMtMjAyNjExMjNUMjI1MDAxWi0xMjAuY3N2AHsiZm9ybWF0Ijoi
dXNlcmdyYWRlLWJhY2t1cC8xIiwidGltZSI6IjIwMjYtMTEtMjNUMjI6NTA6MDEuMTIzWiIsImxv
Z19pZCI6IjhmMTRlNDVmY2VlYTE2N2EiLCJzZXF1ZW5jZSI6MTIwLCJzZXF1ZW5jZV90aW1lIjoi
MjAyNi0xMS0yM1QyMjo0OTo1OS4xMjM0NTY3ODlaIiwicm93cyI6MiwiZGlnZXN0IjoiMmY4YTE2
YjgwMjNkOGU5MSJ9ACotTi2Kz0zRKcgvLilIzEyJz8nMzSzRKS4o0CnOyCwoyMxLj09LTdUpSi0p
LcoDMXm5AAAAAP//SszL0zHUMdIx1jHh5VJSTtJRUFI6vFJJSUlH11THQMfSwMDc0NLSyNTE3MTA
0tJQx5yXCwAAAP//AwCmq50/ZwAAAA==`,
);

Deno.test("a backup of the first format is read as it ever was", async () => {
  const { header } = await readBackup(chunked(FORMAT_1, 10));
  assert.deepEqual(parseBackupInfo(header), {
    made: "2026-11-23T22:50:01.123Z",
    logId: "8f14e45fceea167a",
    sequence: 120,
    time: "2026-11-23T22:49:59.123456789Z",
    rows: 2,
    digest: "2f8a16b8023d8e91",
  });
  const storage = await restored(FORMAT_1);
  assert.equal(storage.digest, "2f8a16b8023d8e91");
  assert.deepEqual(storage.get('#b, "é"'), {
    user_id: '#b, "é"',
    postpaid_limit: -5,
    spp: 0,
    shipping_fee: Number.MAX_SAFE_INTEGER,
    return_fee: 7,
  });
});

Deno.test("a backup may have an id of a log that is not ASCII", async () => {
  const logId = "журнал 😀";
  const bytes = await backupOf(oddStorage(), { logId });
  const { header } = await readBackup(chunked(bytes, 1000));
  assert.match(header.extra.get("UG")!, /^[ -~]+$/);
  assert.equal(parseBackupInfo(header).logId, logId);
});

Deno.test("a backup that is cut at any byte is refused", async () => {
  const bytes = await backupOf(oddStorage());
  for (let length = 0; length < bytes.length; length++) {
    await assert.rejects(
      restored(bytes.slice(0, length)),
      BackupError,
      `${length}`,
    );
  }
});

Deno.test("a backup with any bit flipped is refused, or gives the same rows", async () => {
  const storage = oddStorage();
  const bytes = await backupOf(storage);
  const original = parseBackupInfo(
    (await readBackup(chunked(bytes, 1e9))).header,
  );
  let refused = 0;
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] ^= 1 << (bit & 7);
    let copy: Storage;
    let info;
    try {
      const { header } = await readBackup(chunked(flipped, 1e9));
      info = parseBackupInfo(header);
      copy = await restored(flipped, 1e9);
    } catch (error) {
      assert.ok(error instanceof BackupError, `bit ${bit}: ${error}`);
      refused++;
      continue;
    }
    // What a replica checks besides: log, sequence, time, rows and digest.
    const same = info.logId === original.logId &&
      info.time === original.time &&
      info.rows === copy.size &&
      (info.digest ?? copy.digest) === copy.digest;
    if (same) {
      assert.equal(info.sequence, original.sequence, `bit ${bit}`);
      assert.equal(copy.digest, storage.digest, `bit ${bit}`);
    } else refused++;
  }
  assert.ok(refused > 7 * bytes.length);
});

Deno.test("a backup with bytes behind its end is refused, but for zeros", async () => {
  const bytes = await backupOf(oddStorage());
  const longer = new Uint8Array(bytes.length + 5);
  longer.set(bytes);
  assert.equal((await restored(longer)).digest, oddStorage().digest);
  longer[bytes.length + 4] = 1;
  await assert.rejects(restored(longer), BackupError);
});

Deno.test("parseBackupInfo() refuses headers that say too little, nonsense or contradict the name", () => {
  const name = "usergrades-20261123T225001Z-120.csv";
  const good = {
    format: "usergrade-backup/2",
    time: "2026-11-23T22:50:01.123Z",
    log_id: "x",
    sequence: 120,
    sequence_time: null,
    rows: 1,
  };
  const parse = (info: unknown, fileName = name) => {
    const json = typeof info === "string" ? info : JSON.stringify(info);
    const header = { modified_s: 0, name: fileName };
    const first = { ...header, extra: new Map(), comment: json };
    const extra = { ...header, extra: new Map([["UG", json]]), comment: "x" };
    const parsed = parseBackupInfo(extra);
    assert.deepEqual(parseBackupInfo(first), parsed);
    return parsed;
  };
  assert.equal(parse(good).digest, undefined);
  assert.equal(parse(good, "").sequence, 120);
  for (
    const info of [
      "",
      "{}",
      { ...good, format: "usergrade-backup/3" },
      { ...good, rows: undefined },
      { ...good, rows: -1 },
      { ...good, sequence: "120" },
      { ...good, sequence: 121 },
      { ...good, digest: "abc" },
      { ...good, log_id: "" },
      { ...good, time: "yesterday" },
    ]
  ) assert.throws(() => parse(info), BackupError);
});

Deno.test("writeBackup() makes no more than its reader takes, and frees the snapshot when the reader leaves", async () => {
  const storage = new Storage();
  for (let i = 0; i < 200_000; i++) storage.set({ user_id: `user-${i}` });
  const snapshot = snapshotOf(storage);
  let reads = 0;
  let closed = 0;
  const stream = writeBackup({
    info: snapshot.info,
    blocks: (async function* () {
      for await (const rows of snapshot.blocks) {
        reads++;
        yield rows;
      }
    })(),
    [Symbol.dispose]: () => {
      closed++;
      snapshot[Symbol.dispose]();
    },
  }, NOW);
  const reader = stream.getReader();
  await reader.read();
  await reader.read();
  await sleep(50);
  assert.ok(reads < 20, `${reads} reads`);
  await reader.cancel();
  assert.equal(closed, 1);
});

Deno.test("writeBackup() writes one file after the other, and some at a time, however the last one ended", async () => {
  const storage = new Storage();
  for (let i = 0; i < 20_000; i++) storage.set({ user_id: `user-${i}` });
  const write = () => writeBackup(snapshotOf(storage), NOW);
  const first = await new Response(write()).bytes();
  for (let i = 0; i < 2; i++) {
    const files = [write(), write(), write()]
      .map((file) => new Response(file).bytes());
    for (const file of await Promise.all(files)) assert.deepEqual(file, first);
    const reader = write().getReader();
    await reader.read();
    await reader.read();
    await reader.cancel();
  }
});

Deno.test("writeBackup() is cut when nobody reads it for too long", async () => {
  const storage = new Storage();
  for (let i = 0; i < 200_000; i++) storage.set({ user_id: `user-${i}` });
  let closed = 0;
  const snapshot = {
    ...snapshotOf(storage),
    [Symbol.dispose]: () => {
      closed++;
    },
  };
  const ends: boolean[] = [];
  const reader = writeBackup(
    snapshot,
    NOW,
    {
      observer: {
        read: () => {},
        end: (isComplete) => ends.push(isComplete),
      },
      stallTimeout_ms: 100,
    },
  ).getReader();
  await reader.read();
  await reader.read();
  await sleep(300);
  await assert.rejects(reader.read(), /not read for too long/);
  assert.equal(closed, 1);
  assert.deepEqual(ends, [false]);
});

Deno.test("writeBackup() fails, and says that it ended, when the snapshot breaks off", async () => {
  const ends: boolean[] = [];
  let closed = 0;
  const { info } = snapshotOf(new Storage());
  const file = writeBackup(
    {
      info,
      // deno-lint-ignore require-yield
      blocks: (async function* () {
        throw new Error("the disk is gone");
      })(),
      [Symbol.dispose]: () => {
        closed++;
      },
    },
    NOW,
    {
      observer: {
        read: () => {},
        end: (isComplete) => ends.push(isComplete),
      },
    },
  );
  await assert.rejects(new Response(file).bytes(), /the disk is gone/);
  assert.deepEqual(ends, [false]);
  assert.equal(closed, 1);
});
