import assert from "node:assert/strict";
import {
  type Figures,
  LEAST,
  LEAST_SNAPSHOTS,
  MISSES_MAX,
  shortfalls,
  type SnapshotFigures,
} from "./figures.ts";
import { FAULT_KINDS, MOMENTS } from "./faults.ts";

const { faultsOfEachKind, ...least } = LEAST;

const SNAPSHOTS: SnapshotFigures = {
  ...LEAST_SNAPSHOTS,
  rejoins: 0,
  damagedWhenVerified: 0,
  damagedWhenRestored: 0,
  strikes: Object.fromEntries(
    MOMENTS.map((moment) => [moment, 0]),
  ) as SnapshotFigures["strikes"],
  logBytesMax: 0,
};

const ENOUGH: Figures = {
  ...least,
  scheduled: Object.fromEntries(
    FAULT_KINDS.map((kind) => [kind, MISSES_MAX + 1]),
  ),
  faults: Object.fromEntries(
    FAULT_KINDS.map((kind) => [kind, faultsOfEachKind]),
  ),
  lost: 0,
  unknownStored: 0,
  entries: 1,
  watchesFromBackup: 0,
  violations: 0,
  snapshots: SNAPSHOTS,
  healings: undefined,
  falseAlarms: { told: 0, healed: 0 },
};

Deno.test({
  name: "shortfalls() names what a run did too little of",
  permissions: "none",
  fn: () => {
    assert.deepEqual(shortfalls(ENOUGH), []);
    assert.deepEqual(shortfalls({ ...ENOUGH, snapshots: undefined }), []);
    for (const kind of FAULT_KINDS) {
      const faults = { ...ENOUGH.faults, [kind]: 0 };
      assert.deepEqual(shortfalls({ ...ENOUGH, faults }), [`0 faults ${kind}`]);
      const scheduled = { ...ENOUGH.scheduled, [kind]: MISSES_MAX };
      const few = { ...ENOUGH, faults, scheduled };
      assert.deepEqual(shortfalls(few), []);
      assert.equal(shortfalls({ ...few, snapshots: undefined }).length, 1);
    }
    const healed = { ...ENOUGH, snapshots: undefined, unknown: 0, healings: 0 };
    assert.deepEqual(shortfalls(healed), [
      "healings: 0, and at least 1 are needed",
    ]);
    assert.deepEqual(shortfalls({ ...healed, healings: 1 }), []);
    for (const name of Object.keys(least) as (keyof typeof least)[]) {
      const [short] = shortfalls({ ...ENOUGH, [name]: least[name] - 1 });
      assert.match(short, new RegExp(`^${name}: `));
    }
    for (
      const name of Object.keys(LEAST_SNAPSHOTS) as (
        keyof typeof LEAST_SNAPSHOTS
      )[]
    ) {
      const snapshots = { ...SNAPSHOTS, [name]: LEAST_SNAPSHOTS[name] - 1 };
      const [short] = shortfalls({ ...ENOUGH, snapshots });
      assert.match(short, new RegExp(`^${name}: `));
    }
  },
});
