import assert from "node:assert/strict";
import type { LogLoss } from "../../../src/log/healable_log.ts";
import {
  REPEAT_MS,
  StatusTeller,
} from "../../../src/log/jetstream/status_teller.ts";

const LOSS: LogLoss = {
  type: "tail",
  reason: "it ends at 6",
  firstSequence: 1,
  lastSequence: 6,
};

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

test("stays ahead of the log, healing or forked while the broker is away, until the stream was judged", () => {
  const teller = new StatusTeller();
  for (const state of ["ahead_of_log", "healing", "forked"] as const) {
    teller.change(state, "it ends at 6", 0);
    assert.equal(teller.change("away", "cut", 1), undefined);
    assert.equal(teller.change(state, "gone", 2)?.reason, "gone");
    teller.notAhead();
    assert.equal(teller.change("away", "cut", 3)?.state, "away");
  }
});

test("tells what is lost anew whenever that changes, in the state that lasts", () => {
  const teller = new StatusTeller();
  const lose = (state: "away" | "ahead_of_log", loss: Partial<LogLoss>) =>
    teller.change(state, "lost", 0, { loss: { ...LOSS, ...loss } });
  assert.deepEqual(lose("away", {}), {
    state: "away",
    reason: "lost",
    loss: LOSS,
  });
  assert.equal(lose("away", {}), undefined);
  assert.equal(lose("ahead_of_log", {})?.state, "ahead_of_log");
  const fence = { at: 7, sequence: 9, digest: "d", time: "t" };
  for (
    const change of [
      { type: "fenced" },
      { lastSequence: 7 },
      { firstSequence: 7 },
      { fence },
      { problem: "it is too old" },
      { reason: "another" },
    ] as const
  ) {
    assert.equal(lose("away", change)?.state, "ahead_of_log");
    assert.equal(lose("away", change), undefined);
  }
  assert.equal(teller.change("away", "cut", 0), undefined);
  assert.equal(teller.status.loss?.reason, "another");
  teller.notAhead();
  assert.equal(teller.change("connected", "fine", 0)?.loss, undefined);
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
