import assert from "node:assert/strict";
import { Storage } from "../../src/storage/storage.ts";
import { readBackup } from "../../src/snapshot/format/read_backup.ts";
import { parseBackupInfo } from "../../src/snapshot/format/backup_info.ts";
import { BACKUPS_MAX } from "../../src/http/set/backup.ts";
import { backupOf, chunked, numberedUsers } from "../support/backup_bytes.ts";
import { AUTHORIZATION } from "../support/credentials.ts";
import { eventually } from "../support/eventually.ts";
import { head, RawClient } from "../support/raw_client.ts";
import { newSeed, Random } from "../support/random.ts";
import { randomPatch } from "../support/random_patch.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

function getBackup(service: ServiceProcess, init: RequestInit = {}) {
  return fetch(`${service.url("set")}/backup`, {
    headers: { authorization: AUTHORIZATION },
    ...init,
  });
}

function postImport(
  service: ServiceProcess,
  body: BodyInit,
): Promise<Response> {
  return fetch(`${service.url("set")}/import`, {
    method: "POST",
    headers: { authorization: AUTHORIZATION },
    body,
  });
}

async function parse(bytes: Uint8Array<ArrayBuffer>) {
  const { header, rows } = await readBackup(chunked(bytes, 65_536));
  const storage = new Storage();
  for await (const block of rows) storage.restore(block);
  return { info: parseBackupInfo(header), storage };
}

Deno.test("a backup is the state at exactly its sequence while sets go on", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  const imported = await postImport(
    service,
    await backupOf(numberedUsers(20_000)),
  );
  assert.equal(imported.status, 200, await imported.clone().text());
  const { log_sequence: start } = await imported.json();
  const random = new Random(newSeed());
  /** Every set with its place. Those of one entry are of different users. */
  const sets: { sequence: number; patch: ReturnType<typeof randomPatch> }[] =
    [];
  let running = true;
  const clients = Array.from({ length: 16 }, async (_, client) => {
    while (running) {
      const id = `user-${client + 16 * random.below(1_250)}`;
      const patch = randomPatch(random, id);
      const response = await service.set(patch);
      const sequence = Number(response.headers.get("log-sequence"));
      await response.body?.cancel();
      sets.push({ sequence, patch });
    }
  });
  const backups = [];
  for (let i = 0; i < 4; i++) {
    const enough = sets.length + 30;
    await eventually(() => assert.ok(sets.length >= enough));
    const [one, other] = await Promise.all([
      getBackup(service),
      getBackup(service),
    ]);
    backups.push(parse(await one.bytes()), parse(await other.bytes()));
  }
  running = false;
  await Promise.all(clients);
  sets.sort((a, b) => a.sequence - b.sequence);
  const inOrder = (await Promise.all(backups))
    .toSorted((a, b) => a.info.sequence - b.info.sequence);
  const model = numberedUsers(20_000);
  let applied = 0;
  for (const { info, storage } of inOrder) {
    assert.ok(info.sequence > start);
    while (sets[applied]?.sequence <= info.sequence) {
      model.set(sets[applied++].patch);
    }
    assert.equal(storage.digest, model.digest);
    assert.equal(info.digest, model.digest);
    assert.equal(info.rows, model.size);
  }
});

Deno.test("clients that leave a backup free its place at once", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  // More than the buffers of a connection hold, and nothing to compress.
  const large = new Storage();
  for (let i = 0; i < 60_000; i++) {
    const random = crypto.getRandomValues(new Uint8Array(190));
    large.set({ user_id: random.toBase64() });
  }
  const imported = await postImport(service, await backupOf(large));
  assert.equal(imported.status, 200, await imported.text());
  const { hostname, port } = new URL(service.url("set"));
  const head =
    `GET /backup HTTP/1.1\r\nHost: x\r\nAuthorization: ${AUTHORIZATION}\r\n\r\n`;
  // They read the head and no more, so that the buffers between fill up.
  const connections = await Promise.all(
    Array.from({ length: BACKUPS_MAX }, async () => {
      const connection = await Deno.connect({ hostname, port: Number(port) });
      await connection.write(new TextEncoder().encode(head));
      const buffer = new Uint8Array(15);
      await connection.read(buffer);
      assert.equal(new TextDecoder().decode(buffer), "HTTP/1.1 200 OK");
      return connection;
    }),
  );
  const refused = await getBackup(service);
  assert.equal(refused.status, 503);
  assert.match((await refused.json()).detail, /which is the limit/);
  for (let i = 0; i < 50; i++) {
    assert.equal((await service.set({ user_id: "a", spp: i })).status, 200);
  }
  for (const connection of connections) connection.close();
  await eventually(async () => {
    const response = await getBackup(service);
    await response.body?.cancel();
    assert.equal(response.status, 200);
  }, 5_000);
});

Deno.test("SIGTERM while an import waits for its body answers 503 with line and rows_committed", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  using client = await RawClient.connect(service.url("set"));
  await client.send(
    head(
      "POST /import",
      `Authorization: ${AUTHORIZATION}`,
      "Content-Length: 1000000",
    ) +
      `user_id,postpaid_limit,spp,shipping_fee,return_fee\n${
        "a,1,2,3,4\n".repeat(2_000)
      }`,
  );
  await eventually(async () => {
    assert.equal((await service.statusJson()).users, 1);
  });
  service.signal("SIGTERM");
  const { text } = await client.receive((text) => text.endsWith("}"));
  assert.match(text, /^HTTP\/1.1 503 /);
  assert.match(text, /\r\nretry-after: /i);
  const { detail, line, rows_committed } = JSON.parse(
    text.slice(text.indexOf("{")),
  );
  assert.match(detail, /closed|stop|drain/);
  assert.ok(rows_committed > 0 && rows_committed <= 2_000, rows_committed);
  assert.ok(line >= rows_committed, line);
  assert.equal((await service.status).code, 0);
  assert.ok(service.lines.every(({ level }) => level !== "ERROR"));
});
