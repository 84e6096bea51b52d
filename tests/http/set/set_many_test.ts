import assert from "node:assert/strict";
import { CHANGES_MAX } from "../../../src/change_array.ts";
import { LOCAL_TIMEOUT_MS } from "../../support/local_log.ts";
import { eventually } from "../../support/eventually.ts";
import { LocalService } from "../../support/local_service.ts";
import { problem } from "../../support/problem.ts";

/** The text of what a get answers. */
async function got(service: LocalService, id: string): Promise<string> {
  return await (await service.get(`/get?user_id=${id}`)).text();
}

Deno.test("POST /set with an array sets all in order as one entry, and answers with each record after its set", async () => {
  const service = new LocalService();
  await service.set({ user_id: "a", spp: 1, return_fee: 9 });
  const response = await service.set(
    '[{"user_id":"a","spp":2.0},{"user_id":"b"},{"user_id":"a","spp":-0,"shipping_fee":4}]',
  );
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("log-sequence"), "2");
  const record = (user_id: string, ...numbers: number[]) => {
    const [postpaid_limit, spp, shipping_fee, return_fee] = numbers;
    return { user_id, postpaid_limit, spp, shipping_fee, return_fee };
  };
  assert.equal(
    await response.text(),
    JSON.stringify([
      record("a", 0, 2, 0, 9),
      record("b", 0, 0, 0, 0),
      record("a", 0, 0, 4, 9),
    ]),
  );
  assert.equal(service.log.entries.length, 2);
  const one = await service.set([{ user_id: "c" }]);
  assert.deepEqual(await one.json(), [record("c", 0, 0, 0, 0)]);
  const all = await service.set(
    Array.from({ length: CHANGES_MAX }, (_, spp) => ({ user_id: "d", spp })),
  );
  assert.equal((await all.json()).length, CHANGES_MAX);
  assert.match(await got(service, "d"), /"spp":999,/);
});

Deno.test("POST /set with an array names the element and the field that is wrong, and stores nothing", async () => {
  const service = new LocalService();
  const elements: [unknown, string][] = [
    [{}, "user_id"],
    [null, ""],
    [[], ""],
    [[{ user_id: "a" }], ""],
    ["a", ""],
    [{ user_id: "a", spp: "1" }, "spp"],
    [{ user_id: "a", nope: 1 }, "nope"],
    [{ user_id: "a", deleted: true }, "deleted"],
  ];
  for (const [element, field] of elements) {
    const response = await service.set([{ user_id: "a" }, element]);
    const { errors, detail } = await problem(response, 400);
    assert.deepEqual([errors[0].index, errors[0].field], [1, field]);
    assert.match(detail, /^Element 1: /);
  }
  const fraction = await service.set(
    '[{"user_id":"a"},{"user_id":"b","spp":0.5}]',
  );
  assert.equal((await problem(fraction, 400)).errors[0].index, 1);
  for (const length of [0, CHANGES_MAX + 1]) {
    const response = await service.set(Array(length).fill({ user_id: "a" }));
    const { errors, detail } = await problem(response, 400);
    assert.equal(errors, undefined);
    assert.match(detail, /1 to 1000 elements/);
  }
  assert.equal(service.log.entries.length, 0);
});

Deno.test("POST /set answers 413 to an array that is more than one entry holds, and says to split it", async () => {
  const service = new LocalService();
  service.log.limitEntries(1_000);
  const sets = Array.from(
    { length: 20 },
    (_, i) => ({ user_id: `${"x".repeat(50)}${i}` }),
  );
  const { detail } = await problem(await service.set(sets), 413);
  assert.match(detail, /20 changes .* more than one array/);
  assert.equal(service.log.entries.length, 0);
  assert.equal((await service.set(sets.slice(10))).status, 200);
});

Deno.test("POST /set and POST /delete answer 504 to an array whose outcome is unknown, and 503 to one that is not taken", async () => {
  for (const path of ["/set", "/delete"]) {
    const service = new LocalService();
    service.log.isSilent = true;
    const body = '[{"user_id":"a"},{"user_id":"b"}]';
    const sent = service.ask(path, { body });
    const { sets } = service.log.proposer;
    await eventually(() => assert.equal(sets.pending - sets.queued, 2));
    const queued = service.ask(path, { body });
    await eventually(() => assert.equal(sets.queued, 2));
    service.pass(LOCAL_TIMEOUT_MS);
    assert.match((await problem(await sent, 504)).detail, /outcome is unknown/);
    const { detail } = await problem(await queued, 503);
    assert.match(detail, /did not take the change within/);
  }
});
