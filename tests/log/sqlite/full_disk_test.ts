import assert from "node:assert/strict";
import { RESERVED_BYTES } from "../../../src/log/sqlite/free_space.ts";
import { SqliteLog } from "../../../src/log/sqlite/sqlite_log.ts";
import { eventually } from "../../support/eventually.ts";
import { SmallDisk } from "../../support/small_disk.ts";

const ROWS = 4096;

/** Some rows of a snapshot: 300 kB. */
function someRows() {
  const id_bytes = 32;
  return {
    count: ROWS,
    keys: new Uint8Array(id_bytes * ROWS).fill(0x61),
    keyEnds: Uint32Array.from({ length: ROWS }, (_, i) => id_bytes * (i + 1)),
    numbers: new Float64Array(4 * ROWS),
  };
}

/** Writes a snapshot that has no end; returns why it has one. */
async function fillWithSnapshot(log: SqliteLog, logId: string) {
  const sink = await log.snapshots.create({
    logId,
    sequence: 1,
    time: null,
    rows: 1e9,
    digest: "0".repeat(16),
  });
  let parts = 0;
  try {
    for (; parts < 1_000; parts++) await sink.write(someRows());
  } catch (error) {
    await sink.abort();
    return { parts, reason: (error as Error).message };
  }
  throw new Error("there is no end");
}

Deno.test({
  name:
    "a snapshot that finds no room on the disk leaves enough for sets, and for what is deleted",
  // A disk of a known size needs the right to mount one.
  ignore: !await SmallDisk.isAllowed(),
  fn: async () => {
    await using disk = await SmallDisk.mount(
      `size=${RESERVED_BYTES + 16 * 1024 * 1024}`,
    );
    const log = new SqliteLog(disk.path);
    const { id } = await log.open();
    try {
      const { parts, reason } = await fillWithSnapshot(log, id);
      assert.ok(parts > 10);
      assert.match(reason, /the disk of the log has \d+ bytes left/);
      const entry = new Uint8Array(100_000);
      for (let batch = 1; batch <= 40; batch++) await log.propose(batch, entry);
      // What was written of it is deleted, and its pages are used again.
      await eventually(async () => {
        const again = await fillWithSnapshot(log, id);
        assert.ok(again.parts > parts / 2, `${again.parts} of ${parts}`);
      });
    } finally {
      await log.close();
    }
  },
});

Deno.test({
  name:
    "a log that finds no room for its file, or for its tables, says so, and opens once there is room",
  ignore: !await SmallDisk.isAllowed(),
  fn: async () => {
    for (const options of ["nr_inodes=2", "size=4k", "size=24k"]) {
      await using disk = await SmallDisk.mount(options);
      const folder = `${disk.path}/data`;
      const log = new SqliteLog(folder);
      await assert.rejects(log.open(), {
        name: "LogFailedError",
        message:
          `Cannot open the log in ${folder}/usergrade.db: its disk is full: make room, or set another DATA_DIR`,
      });
      await log.close();
      await disk.change("remount,size=1m,nr_inodes=100");
      const later = new SqliteLog(folder);
      assert.ok((await later.open()).isNew);
      await later.close();
    }
  },
});
