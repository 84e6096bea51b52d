import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { IDS_MAX } from "../../../src/http/get/get_many.ts";
import { BODY_TIMEOUT_MS } from "../../../src/http/server/body.ts";
import { LOCAL_TIMEOUT_MS } from "../../support/local_log.ts";
import { LocalService } from "../../support/local_service.ts";
import { largeId } from "../../support/memory.ts";
import { problem } from "../../support/problem.ts";

function ask(
  service: LocalService,
  body: unknown,
  query = "",
  headers: Record<string, string> = {},
): Promise<Response> {
  return service.get(`/get${query}`, {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

Deno.test("POST /get answers with the records in the order of the ids, null for an unknown user, and the sequence of all", async () => {
  const service = new LocalService();
  const ids = ["a", 'quoted"\\', "é, 漢😀", "1.5e3"];
  for (const [spp, user_id] of ids.entries()) {
    await service.set({ user_id, spp });
  }
  const response = await ask(service, ["x", ...ids.toReversed(), "a", "a"]);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.equal(response.headers.get("log-sequence"), "4");
  const one = async (id: string) =>
    await (await service.get(`/get?user_id=${encodeURIComponent(id)}`)).text();
  const texts = await Promise.all([...ids.toReversed(), "a", "a"].map(one));
  assert.equal(await response.text(), `[null,${texts.join(",")}]`);
  const many = Array.from({ length: IDS_MAX }, (_, i) => ids[i % 4]);
  const grades = await (await ask(service, many)).json();
  assert.deepEqual(
    // deno-lint-ignore no-explicit-any -- parsed JSON
    grades.map((grade: any) => grade.user_id),
    many,
  );
  assert.equal(await (await ask(service, ["x"])).text(), "[null]");
});

Deno.test("POST /get refuses what is not an array of 1 to 1000 ids, and names the index of an id that is none", async () => {
  const service = new LocalService();
  await service.set({ user_id: "a" });
  // Half a character must not find a user whose id has U+FFFD in its place.
  await service.set({ user_id: "\ufffd" });
  for (
    const body of [
      "",
      "{",
      "null",
      '"a"',
      "{}",
      '{"user_id":"a"}',
      "[]",
      Array(IDS_MAX + 1).fill("a"),
    ]
  ) {
    const { detail } = await problem(await ask(service, body), 400);
    assert.match(detail, /^The body (must be|is not) /);
  }
  for (
    const id of [1, null, ["a"], {}, "", "a\u0000", "x".repeat(257), "\ud800"]
  ) {
    const { errors, detail } = await problem(
      await ask(service, ["a", "b", id]),
      400,
    );
    assert.equal(errors.length, 1);
    assert.deepEqual([errors[0].index, errors[0].field], [2, "user_id"]);
    assert.match(detail, /^Element 2: /);
  }
});

Deno.test("POST /get takes min_sequence as GET does, and no user_id in its URL", async () => {
  const service = new LocalService();
  await service.set({ user_id: "a", spp: 1 });
  for (
    const query of [
      "?user_id=a",
      "?min_sequence=",
      "?min_sequence=1.5",
      "?min_sequence=1&min_sequence=1",
    ]
  ) {
    await problem(await ask(service, ["a"], query), 400);
  }
  const waiting = ask(service, ["a"], "?min_sequence=2");
  await service.set({ user_id: "a", spp: 2 });
  const answer = await waiting;
  assert.equal(answer.headers.get("log-sequence"), "2");
  assert.equal((await answer.json())[0].spp, 2);

  const late = ask(service, ["a"], "?min_sequence=99");
  // Until it waits.
  await sleep(0);
  service.pass(LOCAL_TIMEOUT_MS);
  await problem(await late, 503);
});

Deno.test("POST /get limits its body as a set's, and answers the others meanwhile", async () => {
  const service = new LocalService({ bodyBytesMax: 100 });
  await problem(await ask(service, JSON.stringify(["a"]).padEnd(101)), 413);
  await problem(
    await ask(service, ["a"], "", { "content-encoding": "br" }),
    415,
  );
  const slow = service.get("/get", {
    method: "POST",
    body: new ReadableStream<Uint8Array>(),
  });
  service.pass(BODY_TIMEOUT_MS);
  await problem(await slow, 408);
  assert.equal((await ask(service, ["a"])).status, 200);
});

Deno.test("POST /get answers 503 while its replica is not ready, or is in the middle of an entry", async () => {
  const starting = new LocalService({ isOpen: false });
  await problem(await ask(starting, ["a"]), 503);

  const service = new LocalService();
  await service.set({ user_id: "a" });
  service.log.without = "records";
  // The first row has an entry of its own, as after every lone set.
  await service.import(`user_id,spp\nlone,1\na,1\n${largeId("b")},2\n`);
  assert.equal((await service.get("/get?user_id=a")).status, 200);
  const { detail } = await problem(await ask(service, ["a"]), 503);
  assert.match(
    detail,
    /no state of one sequence now: entry 3 can't be applied/,
  );
});
