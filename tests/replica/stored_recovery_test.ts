import assert from "node:assert/strict";
import { ForkedError } from "../../src/replica/fork.ts";
import type { HealingSnapshot } from "../../src/replica/healing_facts.ts";
import {
  recoverStored,
  type RecoveryPorts,
} from "../../src/replica/stored_recovery.ts";
import { healsAt, own, stored, timeAt } from "./healing_facts.ts";

const permissions = "none";

/** The log ends where this replica does. */
const END = { sequence: 100, time: timeAt(100)! };

/** What a recovery says, and what it has restored. */
async function recover(
  snapshots: readonly HealingSnapshot[],
  ports: Partial<RecoveryPorts> = {},
  end: Parameters<typeof recoverStored>[0] = END,
): Promise<[isLost: boolean, restored: number[]]> {
  const restored: number[] = [];
  const isLost = await recoverStored(end, {
    own: () => own(),
    list: () => Promise.resolve(snapshots),
    restore: ({ info }) => Promise.resolve(void restored.push(info.sequence)),
    ...ports,
  });
  return [isLost, restored];
}

Deno.test({
  name:
    "recoverStored() goes on from the newest snapshot that has what the log has lost, and from no other",
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
    "recoverStored() does nothing for a replica whose log is not open or that is forked",
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
    "recoverStored() keeps a replica that turns out to be forked from proposing, and no other that can't read the store",
  permissions,
  fn: async () => {
    const fails = (error: Error) => () => Promise.reject(error);
    const unread = new Error("the store is away");
    const forked = new ForkedError("two histories");
    const isLost = async (ports: Partial<RecoveryPorts>) =>
      (await recover([stored(120)], ports))[0];
    assert.equal(await isLost({ list: fails(unread) }), false);
    assert.equal(await isLost({ restore: fails(unread) }), false);
    assert.equal(await isLost({ restore: fails(forked) }), true);
  },
});
