import assert from "node:assert/strict";
import { parseBackupInfo } from "../../../src/snapshot/format/backup_info.ts";
import { readBackup } from "../../../src/snapshot/format/read_backup.ts";
import { BACKUPS_MAX } from "../../../src/http/set/backup.ts";
import { Storage } from "../../../src/storage/storage.ts";
import { chunked, gzipHeaderBytes } from "../../support/backup_bytes.ts";
import { LocalService } from "../../support/local_service.ts";
import { problem } from "../../support/problem.ts";

async function parse(bytes: Uint8Array<ArrayBuffer>) {
  const { header, rows } = await readBackup(chunked(bytes, 65_536));
  const storage = new Storage();
  for await (const batch of rows) storage.restore(batch);
  return { info: parseBackupInfo(header), storage };
}

Deno.test("GET /backup has the headers of the contract and the state at its sequence", async () => {
  const service = new LocalService();
  const empty = await parse(await (await service.ask("/backup")).bytes());
  assert.equal(empty.info.sequence, 0);
  assert.equal(empty.info.time, null);
  assert.equal(empty.info.rows, 0);
  for (const user_id of ["a", "#b", 'c,"']) await service.set({ user_id });
  const response = await service.ask("/backup");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/gzip");
  assert.equal(response.headers.get("log-sequence"), "3");
  assert.match(
    response.headers.get("content-disposition")!,
    /^attachment; filename="usergrades-\d{8}T\d{6}Z-3\.csv\.gz"$/,
  );
  assert.match(response.headers.get("last-modified")!, /GMT$/);
  const { info, storage } = await parse(await response.bytes());
  const status = await service.statusJson();
  assert.equal(info.logId, status.log.id);
  assert.equal(info.sequence, 3);
  assert.equal(info.rows, 3);
  assert.equal(info.digest, status.digest);
  assert.equal(storage.digest, status.digest);
  assert.match(info.time!, /Z$/);

  const refused = await service.send("set", "/backup");
  assert.equal(refused.status, 401);
  await refused.body?.cancel();
});

Deno.test("GET /backup makes another file of the same state for those who prefer a fast one", async () => {
  const service = new LocalService();
  for (let i = 0; i < 500; i++) {
    await (await service.set({ user_id: `user-${i}`, spp: i })).body?.cancel();
  }
  const rowsOf = async (prefer: string) => {
    const response = await service.ask("/backup", { headers: { prefer } });
    const file = await response.bytes();
    const { storage } = await parse(file);
    assert.equal(storage.digest, (await service.statusJson()).digest);
    const applied = response.headers.get("preference-applied");
    return { applied, rows: file.subarray(gzipHeaderBytes(file)) };
  };
  const small = await rowsOf("respond-async, compression=small");
  assert.equal(small.applied, null);
  for (const asked of ["compression=fast", 'wait=5, Compression = "FAST"']) {
    const fast = await rowsOf(asked);
    assert.equal(fast.applied, "compression=fast");
    assert.notDeepEqual(fast.rows, small.rows);
  }
});

Deno.test("GET and HEAD /backup call the file one of any kind for those who ask for nothing else", async () => {
  const service = new LocalService();
  const types = {
    "*/*": "application/gzip",
    "application/octet-stream": "application/octet-stream",
    "application/octet-stream, application/gzip;q=0.5": "application/gzip",
  };
  for (const [accept, type] of Object.entries(types)) {
    for (const method of ["GET", "HEAD"]) {
      const options = { method, headers: { accept } };
      const response = await service.ask("/backup", options);
      assert.equal(response.headers.get("content-type"), type);
      await response.body?.cancel();
    }
  }
});

Deno.test("HEAD /backup has the headers of GET, and keeps no snapshot open", async () => {
  const service = new LocalService();
  await (await service.set({ user_id: "a" })).body?.cancel();
  for (let i = 0; i < 2 * BACKUPS_MAX; i++) {
    const response = await service.ask("/backup", { method: "HEAD" });
    assert.equal(response.status, 200);
    assert.equal(await response.text(), "");
    assert.equal(response.headers.get("content-length"), null);
    assert.equal(response.headers.get("content-type"), "application/gzip");
    assert.equal(response.headers.get("log-sequence"), "1");
    assert.match(
      response.headers.get("content-disposition")!,
      /^attachment; filename="usergrades-\d{8}T\d{6}Z-1\.csv\.gz"$/,
    );
    assert.match(response.headers.get("last-modified")!, /GMT$/);
  }
  const metrics = await (await service.get("/metrics")).text();
  assert.doesNotMatch(metrics, /backups_total\{[^}]*\} [1-9]/);
});

Deno.test("GET /backup answers 503 when as many backups as may be are served, until one has ended", async () => {
  const service = new LocalService();
  await service.set({ user_id: "a" });
  const served = await Promise.all(
    Array.from({ length: BACKUPS_MAX }, () => service.ask("/backup")),
  );
  for (let i = 0; i < 2; i++) {
    const refused = await service.ask("/backup");
    assert.equal(refused.headers.get("retry-after"), "1");
    const { detail } = await problem(refused, 503);
    assert.equal(
      detail,
      "4 backups are being served, which is the limit: try again when one has ended",
    );
  }
  // One that is left, and one that is read to its end.
  await served[0].body!.cancel();
  await served[1].bytes();
  for (const i of [0, 1]) served[i] = await service.ask("/backup");
  await problem(await service.ask("/backup"), 503);
  for (const response of served) {
    assert.equal(response.status, 200);
    await response.body!.cancel();
  }
  const starting = new LocalService({ isOpen: false });
  for (let i = 0; i < 2 * BACKUPS_MAX; i++) {
    const { detail } = await problem(await starting.ask("/backup"), 503);
    assert.match(detail, /not ready \(starting\)/);
  }
});
