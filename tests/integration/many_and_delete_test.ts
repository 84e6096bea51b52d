import assert from "node:assert/strict";
import type { Storage } from "../../src/storage/storage.ts";
import type { UserGrade } from "../../src/user_grade.ts";
import { backupOf, storageOf } from "../support/backup_bytes.ts";
import { Cluster } from "../support/cluster.ts";
import { AUTHORIZATION } from "../support/credentials.ts";
import { problem } from "../support/problem.ts";
import { newSeed, Random } from "../support/random.ts";
import type { ServiceProcess } from "../support/service_process.ts";

/** Two replicas, for all tests. */
let two: Cluster;

Deno.test.beforeAll(async () => {
  two = await Cluster.start(2);
});

Deno.test.afterAll(async () => {
  await two[Symbol.asyncDispose]();
});

/** Sends a body to a path of the set listener. */
function ask(
  replica: ServiceProcess,
  path: string,
  body: unknown,
): Promise<Response> {
  return fetch(`${replica.url("set")}${path}`, {
    method: "POST",
    headers: { authorization: AUTHORIZATION },
    body: body instanceof Uint8Array
      ? body as Uint8Array<ArrayBuffer>
      : JSON.stringify(body),
  });
}

/** Users who are named after a prefix. */
function usersOf(prefix: string, count: number): Storage {
  return storageOf(Array.from({ length: count }, (_, i) => ({
    user_id: `${prefix} ${i}`,
    postpaid_limit: i,
    spp: i,
    shipping_fee: 2 ** 40,
    return_fee: -i,
  })));
}

/** Gets many users once a sequence is applied. */
async function getMany(
  replica: ServiceProcess,
  ids: readonly string[],
  sequence: string | null,
): Promise<(UserGrade | null)[]> {
  const response = await replica.get(`/get?min_sequence=${sequence}`, {
    method: "POST",
    body: JSON.stringify(ids),
  });
  assert.equal(response.status, 200);
  assert.ok(Number(response.headers.get("log-sequence")) >= Number(sequence));
  return await response.json();
}

Deno.test("what is set and deleted together at one replica is so at the other, as of one sequence", async () => {
  const [a, b] = two.replicas;
  const ids = Array.from({ length: 1_000 }, (_, i) => `é${i}`.padEnd(200, "x"));
  const set = await ask(a, "/set", ids.map((user_id) => ({ user_id, spp: 3 })));
  assert.equal(set.status, 200);
  const grades = await set.json();
  assert.equal(grades.length, 1_000);
  const sequence = set.headers.get("log-sequence");
  assert.deepEqual(await getMany(b, ids, sequence), grades);

  const gone = ids.slice(0, 500);
  const deletion = await ask(
    b,
    "/delete",
    gone.map((user_id) => ({ user_id })),
  );
  assert.deepEqual(
    await deletion.json(),
    gone.map((user_id) => ({ user_id, existed: true })),
  );
  assert.deepEqual(
    await getMany(a, ids, deletion.headers.get("log-sequence")),
    [...gone.map(() => null), ...grades.slice(500)],
  );
  const again = await ask(a, "/delete", { user_id: gone[0] });
  assert.deepEqual(await again.json(), { user_id: gone[0], existed: false });
  const { users } = await two.agreement();
  assert.equal(users, 500);
  await problem(await ask(a, "/set", Array(1_001).fill({ user_id: "a" })), 400);
});

Deno.test("an array is set as a whole while others are set and deleted: no get of many sees a part of it", async () => {
  const random = new Random(newSeed());
  const ids = Array.from({ length: 20 }, (_, i) => `whole ${i}`);
  let isOver = false;
  const write = async (replica: ServiceProcess) => {
    for (let i = 0; i < 60; i++) {
      const path = random.below(3) === 0 ? "/delete" : "/set";
      const spp = random.below(1_000_000);
      const value = path === "/set"
        ? (user_id: string) => ({ user_id, spp })
        : (user_id: string) => ({ user_id });
      const response = await ask(replica, path, ids.map(value));
      assert.equal(response.status, 200, await response.text());
    }
  };
  let seen = 0;
  const read = async (replica: ServiceProcess) => {
    while (!isOver) {
      const grades = await getMany(replica, ids, "0");
      assert.equal(new Set(grades.map((one) => one?.spp)).size, 1);
      seen++;
    }
  };
  const reads = two.replicas.map(read);
  await Promise.all(two.replicas.map(write));
  isOver = true;
  await Promise.all(reads);
  assert.ok(seen > 20);
  await two.agreement();
});

Deno.test("an import that replaces makes both replicas the file, and their own backup then changes nothing", async () => {
  const [a, b] = two.replicas;
  const file = usersOf("file", 5_000);
  const { users } = await two.agreement();
  const replaced = await ask(
    a,
    "/import?replace=true",
    await backupOf(file),
  );
  const { rows, deleted } = await replaced.json();
  assert.deepEqual([rows, deleted], [5_000, users]);
  const agreed = await two.agreement();
  assert.deepEqual([agreed.users, agreed.digest], [5_000, file.digest]);
  const backup = await (await b.backup()).bytes();
  const again = await ask(b, "/import?replace=true", backup);
  assert.equal((await again.json()).deleted, 0);
  assert.equal((await two.agreement()).digest, file.digest);
});

Deno.test("of two imports that replace at two replicas at once, both say 200 only if one came after the other and the state is its file", async () => {
  const files = ["left", "right"].map((prefix) => usersOf(prefix, 5_000));
  const bodies = await Promise.all(files.map((file) => backupOf(file)));
  const answers = await Promise.all(
    two.replicas.map((replica, i) =>
      ask(replica, "/import?replace=true", bodies[i])
    ),
  );
  const { digest } = await two.agreement();
  const sequences: number[] = [];
  for (const answer of answers) {
    if (answer.status === 200) {
      sequences.push((await answer.json()).log_sequence);
      continue;
    }
    const { detail } = await problem(answer, 409);
    assert.match(detail, /^Others have deleted \d+ of the file's 5000 users/);
  }
  if (sequences.length === 2) {
    assert.equal(digest, files[sequences[0] > sequences[1] ? 0 : 1].digest);
  }
  // With no other writer it succeeds.
  const again = await ask(
    two.replicas[1],
    "/import?replace=true",
    bodies[0],
  );
  assert.equal(again.status, 200, await again.text());
  assert.equal((await two.agreement()).digest, files[0].digest);
});
