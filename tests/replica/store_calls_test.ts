import assert from "node:assert/strict";
import {
  StoreCalls,
  VERIFIED_ROWS_PER_S_MIN,
  VERIFY_LIMIT_MAX_MS,
  VERIFY_LIMIT_MS,
} from "../../src/replica/store_calls.ts";
import type { SnapshotInfo } from "../../src/snapshot/snapshot.ts";
import type {
  SnapshotStore,
  StoredSnapshot,
} from "../../src/snapshot/store.ts";

/** @returns After how long a snapshot is given up that is not read back. */
async function givenUpAfter_ms(rows: number): Promise<number> {
  let now_ms = 0;
  const stopping = new AbortController();
  const store = {
    verify: () => new Promise<StoredSnapshot>(() => {}),
  } as unknown as SnapshotStore;
  const calls = new StoreCalls({
    store,
    snapshot: () => {
      throw new Error("nothing is written");
    },
    now: () => now_ms,
    pause: () => Promise.resolve(),
  }, stopping.signal);
  const info: SnapshotInfo = {
    logId: "0123456789abcdef",
    sequence: 1,
    time: null,
    rows,
    digest: undefined,
  };
  let end: unknown;
  const ended = calls.verify({ id: "1", info }).catch((error) => end = error);
  for (; now_ms <= 2 * VERIFY_LIMIT_MAX_MS; now_ms += 60_000) {
    calls.tick(now_ms);
    // Some turns of the microtask queue, for the error to come through.
    for (let turn = 0; turn < 8; turn++) await Promise.resolve();
    if (end !== undefined) break;
  }
  await ended;
  assert.match(String(end), /reading a snapshot back takes too long/);
  return now_ms;
}

Deno.test({
  name: "the more rows a snapshot has, the longer it may be read back",
  permissions: "none",
  fn: async () => {
    assert.equal(await givenUpAfter_ms(1_000_000), VERIFY_LIMIT_MS);
    assert.equal(
      await givenUpAfter_ms(30_000_000),
      30_000_000 / VERIFIED_ROWS_PER_S_MIN * 1_000,
    );
    // A damaged header may say anything.
    assert.equal(
      await givenUpAfter_ms(Number.MAX_SAFE_INTEGER),
      VERIFY_LIMIT_MAX_MS,
    );
  },
});
