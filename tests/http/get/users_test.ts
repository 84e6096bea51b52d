import assert from "node:assert/strict";
import { SEARCH_MS_MAX, users } from "../../../src/http/get/users.ts";
import { LocalService } from "../../support/local_service.ts";

async function find(service: LocalService, query: string) {
  const response = await service.ask(`/users${query}`);
  return { response, ...await response.json() };
}

Deno.test("GET /users pages through the users in the order of their ids", async () => {
  const service = new LocalService();
  const ids = Array.from({ length: 45 }, (_, i) => `u${100 + i}`);
  for (const user_id of ["v1", "t", ...ids]) {
    await service.set({ user_id, spp: 7 });
  }
  const first = await find(service, "?prefix=u");
  assert.equal(first.response.headers.get("log-sequence"), "47");
  assert.deepEqual(first.users[0], {
    user_id: "u100",
    postpaid_limit: 0,
    spp: 7,
    shipping_fee: 0,
    return_fee: 0,
  });
  const seen: string[] = [];
  let after = "";
  for (let page = 1;; page++) {
    const { users, next }: {
      users: { user_id: string }[];
      next: string | null;
    } = await find(service, `?prefix=u&limit=20&after=${after}`);
    seen.push(...users.map(({ user_id }) => user_id));
    if (next === null) break;
    assert.equal(next, seen.at(-1));
    assert.ok(page < 4);
    after = next;
  }
  assert.deepEqual(seen, ids);
  const all = await find(service, "?limit=100");
  assert.deepEqual([all.users.length, all.next], [47, null]);
  const none = await find(service, "?prefix=%C3%BF");
  assert.deepEqual([none.users, none.next], [[], null]);
});

Deno.test("GET /users is at the set listener alone, asks for the password, and says what is wrong", async () => {
  const service = new LocalService();
  for (
    const [response, status] of [
      [service.get("/users"), 404],
      [service.send("set", "/users"), 401],
      [service.ask("/users?limit=0"), 400],
      [service.ask("/users?limit=101"), 400],
      [service.ask("/users?limit=1e1"), 400],
      [service.ask("/users?prefix=a&prefix=b"), 400],
      [service.ask("/users?prefix=%ff"), 400],
      [service.ask("/users?user_id=a"), 400],
      [new LocalService({ isOpen: false }).ask("/users"), 503],
    ] as const
  ) {
    const answer = await response;
    await answer.body?.cancel();
    assert.equal(answer.status, status);
  }
});

Deno.test("a search runs alone, lets others have their turn, and ends in time or with its client", async () => {
  let now_ms = 0;
  let step_ms = 3;
  const source = {
    appliedSequence: 1,
    getJson: () => "{}",
    waitFor: () => Promise.resolve(),
    *searchIds(): Generator<void, string[], void> {
      for (let i = 0; i < 10; i++) {
        now_ms += step_ms;
        yield;
      }
      return ["a"];
    },
  };
  const handler = users(source, () => now_ms);
  const ask = (signal?: AbortSignal) =>
    handler(new Request("http://a/users", { signal: signal ?? null }), "");
  let turns = 0;
  const running = ask() as Promise<Response>;
  setImmediate(() => turns++);
  await assert.rejects(async () => await ask(), /1 search is running/);
  assert.equal((await running).status, 200);
  assert.equal(turns, 1);
  const abandoned = new AbortController();
  abandoned.abort();
  await assert.rejects(async () => await ask(abandoned.signal));
  step_ms = SEARCH_MS_MAX;
  await assert.rejects(async () => await ask(), /longer than 10 s/);
  step_ms = 3;
  assert.equal((await ask()).status, 200);
});
