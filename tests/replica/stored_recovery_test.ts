import assert from "node:assert/strict";
import type { HealingSnapshot } from "../../src/replica/healing_facts.ts";
import {
  type RecoveryPorts,
  StoredRecovery,
} from "../../src/replica/stored_recovery.ts";
import { SnapshotsForbiddenError } from "../../src/snapshot/store.ts";
import { BACK_OFF_MAX_MS } from "../../src/replica/healing_troubles.ts";
import { healsAt, own, stored, timeAt } from "./healing_facts.ts";

const permissions = "none";

/** The log ends where this replica does. */
const END = { sequence: 100, time: timeAt(100)! };

/** What a recovery says, and what it has restored. */
async function recover(
  snapshots: readonly HealingSnapshot[],
  ports: Partial<RecoveryPorts> = {},
  end: Parameters<StoredRecovery["run"]>[0] = END,
): Promise<[isLost: boolean, restored: number[]]> {
  const restored: number[] = [];
  const recovery = new StoredRecovery({
    own: () => own(),
    list: () => Promise.resolve(snapshots),
    restore: ({ info }) => Promise.resolve(void restored.push(info.sequence)),
    now: () => 0,
    ...ports,
  });
  return [await recovery.run(end), restored];
}

Deno.test({
  name:
    "StoredRecovery goes on from the newest snapshot that has what the log has lost, and from no other",
  permissions,
  fn: async () => {
    const nothing = [false, []];
    assert.deepEqual(await recover([]), nothing);
    assert.deepEqual(
      await recover([stored(120), stored(110)]),
      [true, [120]],
    );
    assert.deepEqual(
      await recover([stored(120, { isUnreadable: true }), stored(110)]),
      [true, [110]],
    );
    // Here nobody but the store needs what the log has.
    const behind = { own: () => own({ appliedSequence: 90 }) };
    assert.deepEqual(await recover([stored(100)], behind), nothing);
    assert.deepEqual(await recover([stored(101)], behind), [true, [101]]);
    // Others have written past it.
    const later = { sequence: 110, time: timeAt(130)! };
    assert.deepEqual(await recover([stored(120)], {}, later), nothing);
    // Its history is another one.
    const healed = { own: () => own({ heals: healsAt(50) }) };
    assert.deepEqual(await recover([stored(120)], healed), nothing);
  },
});

Deno.test({
  name:
    "StoredRecovery does nothing for a replica whose log is not open or that is forked",
  permissions,
  fn: async () => {
    for (const state of [undefined, own({ isForked: true })]) {
      assert.deepEqual(
        await recover([stored(120)], { own: () => state }),
        [false, []],
      );
    }
  },
});

Deno.test({
  name:
    "StoredRecovery keeps a replica that can't have what the log has lost from proposing, and none whose store says nothing",
  permissions,
  fn: async () => {
    const fails = (error: Error) => () => Promise.reject(error);
    const away = new Error("the store is away");
    const nothing = [false, []];
    const run = (ports: Partial<RecoveryPorts>) =>
      recover([stored(120)], ports);
    assert.deepEqual(await run({ list: fails(away) }), nothing);
    assert.deepEqual(await run({ restore: fails(away) }), [true, []]);
    const forbidden = new SnapshotsForbiddenError("it may not be read");
    assert.deepEqual(await run({ restore: fails(forbidden) }), nothing);
  },
});

Deno.test({
  name:
    "StoredRecovery tries again after a while what could not be restored, and keeps the replica from proposing until then",
  permissions,
  fn: async () => {
    let now_ms = 0;
    let tries = 0;
    const recovery = new StoredRecovery({
      own: () => own(),
      list: () => Promise.resolve([stored(120)]),
      restore: () => {
        if (++tries < 3) throw new Error("the store is away");
        return Promise.resolve();
      },
      now: () => now_ms,
    });
    for (const failures of [1, 2]) {
      assert.equal(await recovery.run(END), true);
      assert.equal(await recovery.run(END), true);
      assert.equal(tries, failures);
      now_ms += BACK_OFF_MAX_MS;
    }
    assert.equal(await recovery.run(END), true);
    assert.equal(tries, 3);
  },
});
