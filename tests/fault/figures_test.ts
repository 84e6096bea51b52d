import assert from "node:assert/strict";
import { type Figures, LEAST, shortfalls } from "./figures.ts";
import { FAULT_KINDS, type FaultKind } from "./schedule.ts";

const ENOUGH: Figures = {
  faults: Object.fromEntries(
    FAULT_KINDS.map((kind) => [kind, LEAST.faultsOfEachKind]),
  ) as Record<FaultKind, number>,
  acknowledged: LEAST.acknowledged,
  lost: 0,
  refused: LEAST.refused,
  unknown: LEAST.unknown,
  unknownStored: 0,
  gets: LEAST.gets,
  entries: 1,
  warmStarts: LEAST.warmStarts,
  violations: 0,
};

Deno.test({
  name: "shortfalls() names what a run did too little of",
  permissions: "none",
  fn: () => {
    assert.deepEqual(shortfalls(ENOUGH), []);
    for (const kind of FAULT_KINDS) {
      const faults = { ...ENOUGH.faults, [kind]: 0 };
      assert.deepEqual(shortfalls({ ...ENOUGH, faults }), [`0 faults ${kind}`]);
    }
    for (
      const name of [
        "acknowledged",
        "refused",
        "unknown",
        "gets",
        "warmStarts",
      ] as const
    ) {
      const [short] = shortfalls({ ...ENOUGH, [name]: LEAST[name] - 1 });
      assert.match(short, new RegExp(`^${name}: `));
    }
  },
});
