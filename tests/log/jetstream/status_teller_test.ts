import assert from "node:assert/strict";
import {
  REPEAT_MS,
  StatusTeller,
} from "../../../src/log/jetstream/status_teller.ts";

function test(name: string, fn: () => void): void {
  Deno.test({ name: `StatusTeller ${name}`, permissions: "none", fn });
}

test("tells each change once", () => {
  const teller = new StatusTeller();
  const away = { state: "away", reason: "refused" };
  assert.deepEqual(teller.change("away", "refused", 0), away);
  assert.equal(teller.change("away", "refused", 1e9), undefined);
  assert.deepEqual(teller.status, away);
});

test("tells of causes that take turns that they are no news, for a while", () => {
  const teller = new StatusTeller();
  const isNews = (reason: string, now_ms: number) =>
    !teller.change("away", reason, now_ms)!.isRepeated;
  assert.ok(isNews("refused", 0));
  assert.ok(isNews("timed out", 1));
  assert.ok(!isNews("refused", 2));
  assert.ok(!isNews("timed out", 3));
  assert.ok(isNews("refused", REPEAT_MS));
  // Between them the log was usable.
  assert.deepEqual(teller.change("connected", "fine", REPEAT_MS + 1), {
    state: "connected",
    reason: "fine",
  });
  assert.ok(isNews("refused", REPEAT_MS + 2));
  assert.ok(!teller.change("connected", "fine", REPEAT_MS + 3)!.isRepeated);
});

test("stays ahead of the log while the broker is away, until the stream was judged", () => {
  const teller = new StatusTeller();
  teller.change("ahead_of_log", "it ends at 6", 0);
  assert.equal(teller.change("away", "cut", 1), undefined);
  assert.equal(teller.change("ahead_of_log", "gone", 2)?.reason, "gone");
  teller.notAhead();
  assert.equal(teller.change("away", "cut", 3)?.state, "away");
});

test("goes on requiring an upgrade", () => {
  const teller = new StatusTeller();
  teller.change("upgrade_required", "entry 3", 0);
  assert.equal(teller.change("away", "cut", 1), undefined);
  assert.equal(teller.change("connected", "fine", 2), undefined);
});

test("tells of an entry that is missing even where the reason was told before", () => {
  const teller = new StatusTeller();
  teller.change("away", "the log begins with 9", 0);
  assert.deepEqual(
    teller.change("away", "the log begins with 9", 1, { missing: 8 }),
    {
      state: "away",
      reason: "the log begins with 9",
      missing: 8,
      isRepeated: true,
    },
  );
  assert.equal(
    teller.change("away", "the log begins with 9", 2, { missing: 8 }),
    undefined,
  );
  assert.equal(teller.change("connected", "fine", 3)?.missing, undefined);
});
