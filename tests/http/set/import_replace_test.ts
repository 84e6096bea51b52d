import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { CHANGES_MAX } from "../../../src/change_array.ts";
import { ROUNDS_MAX } from "../../../src/http/set/delete_unseen.ts";
import type { Storage } from "../../../src/storage/storage.ts";
import { backupOf, storageOf } from "../../support/backup_bytes.ts";
import { eventually } from "../../support/eventually.ts";
import { LOCAL_TIMEOUT_MS } from "../../support/local_log.ts";
import { LocalService } from "../../support/local_service.ts";
import { problem } from "../../support/problem.ts";

const HEADER = "user_id,postpaid_limit,spp,shipping_fee,return_fee\n";

/** A storage of users that are named after a prefix. */
function users(prefix: string, count: number): Storage {
  return storageOf(Array.from({ length: count }, (_, i) => ({
    user_id: `${prefix}${i}`,
    postpaid_limit: i,
    spp: -i,
    shipping_fee: 2 ** 40 + i,
    return_fee: 0,
  })));
}

function replace(
  service: LocalService,
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
): Promise<Response> {
  return service.ask("/import?replace=true", { body });
}

/** A service with these users. */
async function serviceWith(storage: Storage): Promise<LocalService> {
  const service = new LocalService();
  const response = await service.import(await backupOf(storage));
  assert.equal(response.status, 200, await response.text());
  return service;
}

/** Calls back before each array of deletions, with its number. */
function beforeDeletions(
  { log: { proposer } }: LocalService,
  callback: (count: number) => void,
): void {
  const { deleteMany } = proposer;
  let count = 0;
  proposer.deleteMany = (values) => {
    callback(++count);
    return deleteMany.call(proposer, values);
  };
}

Deno.test("POST /import?replace=true makes the state the file's", async () => {
  const service = await serviceWith(users("old", 2_500));
  await service.set({ user_id: "new0", return_fee: 5 });
  await service.set({ user_id: "\ufeffé", return_fee: 5 });
  const file = users("new", 3_000);
  const response = await replace(service, await backupOf(file));
  assert.equal(response.status, 200);
  const { rows, deleted, log_sequence } = await response.json();
  assert.deepEqual([rows, deleted], [3_000, 2_501]);
  const status = await service.statusJson();
  assert.equal(status.log.applied_sequence, log_sequence);
  assert.equal(status.users, 3_000);
  assert.equal(status.digest, file.digest);
});

Deno.test("POST /import?replace=true of one's own backup changes nothing", async () => {
  const service = await serviceWith(users("a", 3_000));
  await service.delete([{ user_id: "a1" }, { user_id: "a2" }]);
  const backup = await (await service.ask("/backup")).bytes();
  const before = await service.statusJson();
  const response = await replace(service, backup);
  const { rows, deleted } = await response.json();
  assert.deepEqual([rows, deleted], [2_998, 0]);
  const after = await service.statusJson();
  assert.deepEqual([after.users, after.digest], [before.users, before.digest]);
});

Deno.test("POST /import?replace=true keeps what a row leaves out, and deletes users who are set while others are being deleted", async () => {
  const service = await serviceWith(users("old", CHANGES_MAX + 1));
  await service.set({ user_id: "kept", spp: 1, return_fee: 2 });
  const { proposer } = service.log;
  let late: Promise<unknown> | undefined;
  beforeDeletions(service, (count) => {
    if (count === 1) late = proposer.set({ user_id: "late", spp: 9 });
  });
  const response = await replace(service, "user_id,spp\nkept,7\n");
  await late!;
  const { deleted, log_sequence } = await response.json();
  assert.equal(deleted, CHANGES_MAX + 2);
  const status = await service.statusJson();
  assert.deepEqual([status.users, status.log.applied_sequence], [
    1,
    log_sequence,
  ]);
  const many = await service.get("/get", {
    method: "POST",
    body: '["kept","late","old0"]',
  });
  const [kept, ...others] = await many.json();
  assert.deepEqual([kept.spp, kept.return_fee], [7, 2]);
  assert.deepEqual(others, [null, null]);
});

Deno.test("POST /import?replace=true ends while others go on setting users, and leaves those of the last round", async () => {
  const service = await serviceWith(users("old", 3));
  const { proposer } = service.log;
  const late: Promise<unknown>[] = [];
  beforeDeletions(service, (count) => {
    late.push(proposer.set({ user_id: `late${count}`, spp: count }));
  });
  const response = await replace(service, "user_id,spp\nkept,7\n");
  assert.equal(response.status, 200);
  await Promise.all(late);
  assert.equal(late.length, ROUNDS_MAX);
  const { deleted, log_sequence } = await response.json();
  assert.equal(deleted, 3 + ROUNDS_MAX - 1);
  const { users: count, log } = await service.statusJson();
  assert.deepEqual([count, log.applied_sequence], [2, log_sequence]);
  const last = await service.get(`/get?user_id=late${ROUNDS_MAX}`);
  assert.equal((await last.json()).spp, ROUNDS_MAX);
});

Deno.test("POST /import?replace=true answers 409 when others have deleted users of its file, in whichever round", async () => {
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const service = await serviceWith(users("old", 3));
    const { proposer } = service.log;
    const others: Promise<unknown>[] = [];
    beforeDeletions(service, (count) => {
      if (count > round) return;
      others.push(proposer.set({ user_id: `late${count}` }));
      if (count === round) others.push(proposer.delete({ user_id: "b" }));
    });
    const { detail, line, rows_committed, deleted_committed } = await problem(
      await replace(service, "user_id,spp\na,1\nb,2\nb,3\n"),
      409,
    );
    assert.match(
      detail,
      /^Others have deleted 1 of the file's 2 users meanwhile, another import with replace=true perhaps: import it again while nobody else imports or deletes$/,
    );
    assert.deepEqual(
      [line, rows_committed, deleted_committed],
      [5, 3, 3 + Math.min(round, ROUNDS_MAX - 1)],
    );
    await Promise.all(others);
    const again = await replace(service, "user_id,spp\na,1\nb,2\n");
    assert.equal(again.status, 200, await again.text());
    assert.equal((await service.statusJson()).users, 2);
  }
});

Deno.test("POST /import?replace=true answers 409 when a user of its file is gone although it deletes nobody", async () => {
  const service = new LocalService();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const running = replace(service, readable);
  const writer = writable.getWriter();
  await writer.write(new TextEncoder().encode("user_id,spp\na,1\nb,2\n"));
  await eventually(async () => {
    assert.equal((await service.statusJson()).users, 2);
  });
  const deletion = await service.delete({ user_id: "a" });
  assert.equal(deletion.status, 200, await deletion.text());
  await writer.close();
  const { detail, deleted_committed } = await problem(await running, 409);
  assert.match(detail, /deleted 1 of the file's 2 users/);
  assert.equal(deleted_committed, 0);
});

Deno.test("POST /import?replace=true refuses a file without users, which would delete all", async () => {
  const service = await serviceWith(users("a", 3));
  const { detail, line, rows_committed, deleted_committed } = await problem(
    await replace(service, HEADER),
    400,
  );
  assert.match(detail, /no users, so all 3 would be deleted.*POST \/delete$/);
  assert.deepEqual([line, rows_committed, deleted_committed], [2, 0, 0]);
  await problem(await replace(service, ""), 400);
  assert.equal((await service.statusJson()).users, 3);
  // Where there are none, nothing is deleted.
  const nothing = await replace(new LocalService(), HEADER);
  assert.equal(nothing.status, 200);
  assert.equal((await nothing.json()).deleted, 0);
});

Deno.test("POST /import?replace=true deletes nobody when a row is wrong or the file is cut short", async () => {
  const service = await serviceWith(users("a", 10));
  const backup = await backupOf(users("b", 5_000));
  const cut = backup.slice(0, backup.length - 4);
  for (const body of [`${HEADER}b0,1,2,3,4\nnonsense\n`, cut]) {
    const { rows_committed, deleted_committed } = await problem(
      await replace(service, body),
      400,
    );
    assert.ok(rows_committed > 0);
    assert.equal(deleted_committed, undefined);
    assert.equal((await service.get("/get?user_id=a9")).status, 200);
  }
});

Deno.test("POST /import?replace=true says how far the deleting came, and can be repeated", async () => {
  const service = await serviceWith(users("old", 2_500));
  beforeDeletions(service, (count) => service.log.isSilent = count === 2);
  const answered = replace(service, `${HEADER}a,1,2,3,4\n`);
  const { sets } = service.log.proposer;
  await eventually(() => {
    assert.ok(service.log.isSilent);
    assert.ok(sets.pending > sets.queued);
  });
  service.pass(LOCAL_TIMEOUT_MS);
  const { detail, line, rows_committed, deleted_committed } = await problem(
    await answered,
    504,
  );
  assert.match(detail, /outcome is unknown\. All rows are stored, and 1000 of/);
  assert.match(detail, /: import it again$/);
  assert.deepEqual([line, rows_committed, deleted_committed], [3, 1, 1_000]);

  const again = await serviceWith(users("old", 2_500));
  beforeDeletions(again, (count) => {
    if (count === 2) again.log.proposer.drain("SIGTERM");
  });
  const refused = await replace(again, `${HEADER}a,1,2,3,4\n`);
  const stopped = await problem(refused, 503);
  assert.equal(stopped.deleted_committed, 1_000);
  assert.equal(again.log.proposer.users, 1_501);
});

Deno.test("POST /import?replace=true deletes in parts that fit the log's entries", async () => {
  const service = await serviceWith(users("x".repeat(100), 1_500));
  service.log.limitEntries(10_000);
  const before = service.log.entries.length;
  const response = await replace(service, `${HEADER}a,1,2,3,4\n`);
  assert.equal((await response.json()).deleted, 1_500);
  assert.ok(service.log.entries.length > before + 20);
  assert.equal((await service.statusJson()).users, 1);
});

Deno.test("POST /import runs one import with replace=true at a time", async () => {
  const service = await serviceWith(users("a", 3));
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const running = replace(service, readable);
  await sleep(0);
  const { detail } = await problem(
    await replace(service, `${HEADER}b,1,2,3,4\n`),
    503,
  );
  assert.match(detail, /^1 import with replace=true is running/);
  const plain = await service.import(`${HEADER}a0,1,2,3,4\n`);
  assert.equal(plain.status, 200, await plain.text());
  const writer = writable.getWriter();
  writer.write(new TextEncoder().encode(`${HEADER}a0,1,2,3,4\n`));
  writer.close();
  assert.equal((await (await running).json()).deleted, 2);
});
