import assert from "node:assert/strict";
import { importFile, IMPORTS_MAX } from "../../../src/http/set/import.ts";
import { RequestCounts } from "../../../src/http/server/request_counts.ts";
import { router } from "../../../src/http/server/router.ts";
import { backupOf, numberedUsers } from "../../support/backup_bytes.ts";
import { LocalService } from "../../support/local_service.ts";
import { problem } from "../../support/problem.ts";

Deno.test("POST /import takes a backup, gzip or plain, and leaves other users alone", async () => {
  const service = new LocalService();
  await (await service.set({ user_id: "other", spp: 1 })).body?.cancel();
  await (await service.set({ user_id: "user-1", return_fee: 9 })).body
    ?.cancel();
  const file = numberedUsers(5_000);
  const model = numberedUsers(5_000);
  model.set({ user_id: "other", spp: 1 });
  for (let i = 0; i < 2; i++) {
    const response = await service.import(await backupOf(file));
    assert.equal(response.status, 200);
    const { rows, log_sequence } = await response.json();
    assert.equal(rows, 5_000);
    const status = await service.statusJson();
    assert.equal(status.log.applied_sequence, log_sequence);
    assert.equal(status.digest, model.digest);
  }
  const plain =
    'user_id,postpaid_limit,spp,shipping_fee,return_fee\n"#x, y",1,-2,3,4\nlast,0,0,0,0';
  const response = await service.import(plain);
  assert.deepEqual((await response.json()).rows, 2);
  const got = await service.get(`/get?user_id=${encodeURIComponent("#x, y")}`);
  assert.equal((await got.json()).spp, -2);
});

Deno.test("POST /import stops at the first bad row and says where and how far it came", async () => {
  const service = new LocalService();
  const header = "user_id,postpaid_limit,spp,shipping_fee,return_fee\n";
  const cases: [string, number, number][] = [
    ["", 1, 0],
    ["nonsense", 1, 0],
    [header + "a,1,2,3\n", 2, 0],
    [header + "a,1,2,3,4\nb,1,2,3,x\nc,1,2,3,4\n", 3, 1],
    [header + "a,1,2,3,4\n\n,,,,\nb,1,2,3,4\nc\n", 6, 2],
  ];
  for (const [body, line, rows] of cases) {
    const response = await service.import(body);
    assert.equal(response.status, 400);
    assert.equal(
      response.headers.get("content-type"),
      "application/problem+json",
    );
    const problem = await response.json();
    assert.equal(problem.line, line);
    assert.equal(problem.rows_committed, rows);
    assert.match(problem.detail, new RegExp(`line ${line}`));
  }
  const backup = await backupOf(numberedUsers(50_000));
  const cut = await service.import(
    backup.slice(0, Math.floor(backup.length / 2)),
  );
  assert.equal(cut.status, 400);
  const { rows_committed, detail } = await cut.json();
  assert.match(detail, /damaged or cut short/);
  assert.ok(rows_committed > 1_000 && rows_committed < 50_000);
  assert.ok((await service.statusJson()).users >= rows_committed);
});

/** A body that has no end. */
function endless(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
  });
}

Deno.test("POST /import answers 408 when no byte arrives for too long, and says how far it came", async () => {
  const { log } = new LocalService();
  const app = router(
    { "/import": importFile(log.proposer, undefined, 50) },
    () => new Response(null, { status: 404 }),
    new RequestCounts(),
  );
  const response = await app(
    new Request("http://localhost/import", {
      method: "POST",
      body: endless("user_id,spp\na,1\nb,"),
    }),
  );
  assert.equal(response.headers.get("connection"), "close");
  const { detail, line, rows_committed } = await problem(response, 408);
  assert.equal(detail, "No byte came within 0.05 s");
  assert.deepEqual([line, rows_committed], [3, 1]);
});

Deno.test("POST /import answers 503 when as many imports as may be are running", async () => {
  const service = new LocalService();
  const bodies = Array.from(
    { length: IMPORTS_MAX },
    () => new TransformStream<Uint8Array, Uint8Array>(),
  );
  const running = bodies.map(({ readable }) => service.import(readable));
  for (let i = 0; i < 2; i++) {
    const refused = await service.import("user_id,spp\na,1\n");
    assert.equal(refused.headers.get("retry-after"), "1");
    const { detail, line, rows_committed } = await problem(refused, 503);
    assert.equal(
      detail,
      "2 imports are running, which is the limit: try again when one has ended",
    );
    assert.deepEqual([line, rows_committed], [1, 0]);
  }
  for (const { writable } of bodies) {
    const writer = writable.getWriter();
    writer.write(new TextEncoder().encode("user_id,spp\na,1\n"));
    writer.close();
  }
  for (const response of await Promise.all(running)) {
    assert.equal((await response.json()).rows, 1);
  }
  const response = await service.import("user_id,spp\na,1\n");
  assert.equal(response.status, 200, await response.text());
});

Deno.test("POST /import stores nothing when it is asked for more than an import", async () => {
  const service = new LocalService();
  const body = "user_id,spp\nann,1\n";
  for (
    const query of [
      ...["replac=true", "replace", "replace=true&dry_run=1", "Replace=true"],
      ...["replace=", "replace=TRUE", "replace=true&replace=true"],
    ]
  ) {
    const response = await service.ask(`/import?${query}`, { body });
    const { errors, line, rows_committed } = await problem(response, 400);
    assert.match(errors[0].field, /^(replac|[Rr]eplace|dry_run)$/);
    assert.deepEqual([line, rows_committed], [1, 0]);
  }
  assert.equal((await service.statusJson()).users, 0);
  const response = await service.ask("/import?", { body });
  assert.equal(response.status, 200, await response.text());
});

Deno.test("POST /import says how far it came while the service is read-only", async () => {
  const service = new LocalService({ isReadOnly: true });
  const response = await service.import("user_id,spp\nann,1\n");
  const { detail, line, rows_committed } = await problem(response, 503);
  assert.match(detail, /read-only/);
  assert.deepEqual([line, rows_committed], [1, 0]);
});
