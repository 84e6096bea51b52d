import assert from "node:assert/strict";
import fc from "fast-check";
import { Storage } from "../../src/storage/storage.ts";

const utf8 = new TextEncoder();

/** Ids of few characters, so that many begin alike; the last has 4 bytes. */
const id = fc.string({
  unit: fc.constantFrom("a", "b", "ÿ", "\uffee", "\u{10000}"),
  minLength: 1,
  maxLength: 5,
});

/** The order of UTF-8 bytes, which is not that of JavaScript's strings. */
function byBytes(a: string, b: string): number {
  const [x, y] = [utf8.encode(a), utf8.encode(b)];
  const at = x.findIndex((byte, i) => byte !== y[i]);
  return at === -1 ? x.length - y.length : x[at] - (y[at] ?? -1);
}

function run(search: Generator<void, string[], void>): string[] {
  for (;;) {
    const step = search.next();
    if (step.done) return step.value;
  }
}

Deno.test(
  "Storage.searchIds() finds what a filter and a sort find, also after deletions",
  {
    permissions: "none",
  },
  () => {
    fc.assert(fc.property(
      fc.array(id, { maxLength: 60 }),
      fc.array(id, { maxLength: 20 }),
      fc.oneof(fc.constant(""), id),
      fc.oneof(fc.constant(""), id),
      fc.integer({ min: 1, max: 8 }),
      (set, deleted, prefix, after, max) => {
        const storage = new Storage();
        for (const user_id of set) storage.set({ user_id, spp: 1 });
        // A wide number moves the record.
        for (const user_id of set.slice(0, 5)) {
          storage.set({ user_id, spp: 2 ** 40 });
        }
        for (const user_id of deleted) storage.delete(user_id);
        const expected = [...new Set(set)]
          .filter((one) => !deleted.includes(one) && one.startsWith(prefix))
          .filter((one) => byBytes(one, after) > 0)
          .sort(byBytes)
          .slice(0, max);
        assert.deepEqual(run(storage.searchIds(prefix, after, max)), expected);
      },
    ));
  },
);

Deno.test(
  "Storage.searchIds() finds each user once who is stored throughout, whatever else changes",
  {
    permissions: "none",
  },
  () => {
    const storage = new Storage();
    const stays = Array.from({ length: 3_000 }, (_, i) => `stays${1_000 + i}`);
    for (const user_id of stays) storage.set({ user_id });
    const search = storage.searchIds("stays", "", 3_000);
    let steps = 0;
    for (;;) {
      const step = search.next();
      if (step.done) {
        assert.deepEqual(step.value, stays);
        break;
      }
      steps++;
      for (let i = 0; i < 20; i++) {
        storage.set({ user_id: `${steps}-${i}`, spp: 2 ** 40 });
        storage.delete(`${steps - 1}-${i}`);
      }
      storage.set({ user_id: stays[steps % 3_000], spp: 2 ** 40 });
    }
    assert.ok(steps > 100, "others have their turns");
  },
);
