/**
 * Random histories of a storage: what happens in them, and how one is played
 * on the storage and on its model at once.
 *
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Digest } from "../../src/storage/digest.ts";
import type { Storage, StorageSnapshot } from "../../src/storage/storage.ts";
import type { UserGrade, UserGradePatch } from "../../src/user_grade.ts";
import { fromBlock, Model, toBlock } from "../support/model.ts";
import { patchOf } from "./arbitraries.ts";
import { type Key, toKey } from "./keys.ts";

/** One thing that happens to a storage. */
export type Step =
  | { do: "set"; patch: UserGradePatch }
  | { do: "restore"; patches: UserGradePatch[] }
  | { do: "get"; id: string }
  | { do: "delete"; id: string }
  /** Deletes so many users that they may be all. */
  | { do: "deleteMany"; ids: readonly string[] }
  | { do: "snapshot" }
  /** `which` chooses among the open snapshots, if there are any. */
  | { do: "read"; which: number; rowsMax: number }
  | { do: "close"; which: number };

/**
 * @param ids The users of the history.
 * @param rowsMax The most rows of a restored block and of a slice.
 * @param stepsMax The most steps.
 * @returns Histories in which everything happens, mostly sets and deletions.
 */
export function historyOf(
  ids: readonly string[],
  rowsMax: number,
  stepsMax: number,
): fc.Arbitrary<Step[]> {
  const patch = patchOf(ids);
  const which = fc.nat(7);
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ do: fc.constant("set" as const), patch }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("restore" as const),
        patches: fc.array(patch, { maxLength: rowsMax, size: "max" }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("get" as const),
        id: fc.constantFrom(...ids),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("delete" as const),
        id: fc.constantFrom(...ids),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("deleteMany" as const),
        ids: fc.nat(ids.length).map((from) => ids.slice(from)),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ do: "snapshot" as const }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant("read" as const),
        which,
        rowsMax: fc.integer({ min: 1, max: rowsMax }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("close" as const), which }),
    },
  );
  return fc.array(step, { maxLength: stepsMax, size: "max" });
}

/** A snapshot that a history has open, and what it must turn out to hold. */
class OpenSnapshot {
  readonly #rows = new Map<string, UserGrade>();

  constructor(
    readonly snapshot: StorageSnapshot,
    private readonly expected: Map<string, UserGrade>,
  ) {
    assert.equal(snapshot.table.rows, expected.size);
  }

  /** Reads a slice; returns whether there was one. */
  read(rowsMax: number): boolean {
    const rows = this.snapshot.table.read(rowsMax);
    if (rows === undefined) return false;
    assert.ok(rows.count >= 1 && rows.count <= rowsMax);
    for (const grade of fromBlock(rows)) {
      assert.ok(!this.#rows.has(grade.user_id), "a user was read twice");
      assertSame(grade, this.expected.get(grade.user_id));
      this.#rows.set(grade.user_id, grade);
    }
    return true;
  }

  /** Reads what is left, and checks that nothing is missing. */
  finish(): void {
    while (this.read(1000));
    // Each row read was expected and none came twice, so the number decides.
    assert.equal(this.#rows.size, this.expected.size);
    assert.equal(this.snapshot.digest, digestOf(this.#rows.values()));
    this.snapshot.table.close();
  }
}

/** Encoding an id costs more than the rest of a digest. */
const keys = new Map<string, Key>();

function keyOf(id: string): Key {
  const known = keys.get(id);
  if (known !== undefined) return known;
  const key = toKey(id);
  keys.set(id, key);
  return key;
}

/** The digest of these records, from scratch. */
function digestOf(grades: Iterable<UserGrade>): string {
  const digest = new Digest();
  for (const grade of grades) {
    const { words, length } = keyOf(grade.user_id);
    digest.selectKey(words, length);
    digest.add(
      grade.postpaid_limit,
      grade.spp,
      grade.shipping_fee,
      grade.return_fee,
    );
  }
  return digest.toString();
}

/**
 * Fails as `assert.deepEqual()` does, which costs ten times as much where
 * nothing differs.
 */
function assertSame(
  found: UserGrade | undefined,
  expected: UserGrade | undefined,
): void {
  const isSame = found !== undefined && expected !== undefined &&
    found.user_id === expected.user_id &&
    Object.is(found.postpaid_limit, expected.postpaid_limit) &&
    Object.is(found.spp, expected.spp) &&
    Object.is(found.shipping_fee, expected.shipping_fee) &&
    Object.is(found.return_fee, expected.return_fee) &&
    Object.keys(found).length === 5;
  if (!isSame) assert.deepEqual(found, expected);
}

/** What a set of these fields makes of a user who is not there yet. */
function toWhole(patch: UserGradePatch): UserGrade {
  return new Model().set(patch);
}

/**
 * Plays a history on a storage and on a model, and compares them all along.
 *
 * @param storage The storage.
 * @param steps The history.
 * @param model What the storage holds at the start; nothing if left out.
 */
export function play(
  storage: Storage,
  steps: readonly Step[],
  model: Model = new Model(),
): void {
  const open: OpenSnapshot[] = [];
  const openSnapshot = () => {
    open.push(new OpenSnapshot(storage.snapshot(), model.copy()));
  };
  for (const step of steps) {
    if (step.do === "set") {
      assertSame(storage.set(step.patch), model.set(step.patch));
    } else if (step.do === "restore") {
      // A restored row is whole: it replaces what is stored.
      const grades = step.patches.map(toWhole);
      storage.restore(toBlock(grades));
      for (const grade of grades) model.set(grade);
    } else if (step.do === "get") {
      assertSame(storage.get(step.id), model.users.get(step.id));
    } else if (step.do === "delete") {
      assert.equal(storage.delete(step.id), model.delete(step.id));
    } else if (step.do === "deleteMany") {
      for (const id of step.ids) {
        assert.equal(storage.delete(id), model.delete(id));
      }
    } else if (step.do === "snapshot") {
      openSnapshot();
    } else if (open.length > 0) {
      const which = step.which % open.length;
      if (step.do === "read") {
        open[which].read(step.rowsMax);
      } else {
        const [{ snapshot: { table } }] = open.splice(which, 1);
        table.close();
        assert.equal(table.read(1), undefined);
      }
    }
    assert.equal(storage.size, model.users.size);
  }
  assert.equal(storage.digest, digestOf(model.users.values()));
  openSnapshot();
  for (const snapshot of open) snapshot.finish();
  for (const step of steps) {
    if (step.do !== "deleteMany") continue;
    for (const id of step.ids) {
      assertSame(storage.get(id), model.users.get(id));
    }
  }
  for (const [id, grade] of model.users) {
    assertSame(storage.get(id), grade);
    assert.equal(storage.getJson(id), JSON.stringify(grade));
  }
}
