import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { LOCAL_TIMEOUT_MS } from "../../support/local_log.ts";
import { LocalService } from "../../support/local_service.ts";
import { problem } from "../../support/problem.ts";

Deno.test("GET /get refuses a query without exactly one user_id, and answers 404 for an unknown user", async () => {
  const service = new LocalService();
  await service.set({ user_id: "a" });
  await service.set({ user_id: "\ufffd" });
  for (
    const query of [
      "",
      "?",
      "?user_id",
      "?user_id=",
      "?x=a",
      "?user_id=a&user_id=a",
      "?user_id=%ff",
      "?user_id=%",
      "?%ff=1&user_id=a",
      "?user_id=a&min_sequence=",
      "?user_id=a&min_sequence=-1",
      "?user_id=a&min_sequence=1.5",
      "?user_id=a&min_sequence=99999999999999999999",
      "?user_id=a&min_sequence=1&min_sequence=1",
    ]
  ) {
    await problem(await service.get(`/get${query}`), 400);
  }
  for (const id of ["b", "A", "x".repeat(256), "é"]) {
    await problem(await service.get(`/get?user_id=${id}`), 404);
  }
  for (
    const id of ["%00", "a%0a", "a%7F&min_sequence=0", "x".repeat(257)]
  ) {
    const { errors } = await problem(
      await service.get(`/get?user_id=${id}`),
      400,
    );
    assert.equal(errors[0].field, "user_id");
  }
});

Deno.test("GET /get with min_sequence waits for it, and says what was applied", async () => {
  const service = new LocalService();
  await service.set({ user_id: "a", spp: 1 });
  const at0 = await service.get("/get?user_id=a&min_sequence=0");
  assert.equal(at0.headers.get("log-sequence"), "1");
  await at0.body?.cancel();

  const waiting = service.get("/get?user_id=a&min_sequence=2");
  await service.set({ user_id: "a", spp: 2 });
  const answer = await waiting;
  assert.equal(answer.headers.get("log-sequence"), "2");
  assert.equal((await answer.json()).spp, 2);
});

Deno.test("GET /get with min_sequence answers 503 after as long as a set may take", async () => {
  const service = new LocalService();
  await service.set({ user_id: "a", spp: 1 });
  let isAnswered = false;
  const waiting = service.get("/get?user_id=a&min_sequence=99");
  waiting.then(() => isAnswered = true);
  service.pass(LOCAL_TIMEOUT_MS - 1_000);
  // What waits is told in microtasks, all of which run before a timer.
  await sleep(0);
  assert.ok(!isAnswered);
  service.pass(1_000);
  const late = await waiting;
  assert.equal(late.headers.get("retry-after"), "1");
  await problem(late, 503);
});
