import assert from "node:assert/strict";
import fc from "fast-check";
import { ChangeRing, CHANGES_KEPT_MIN } from "../../src/replica/change_ring.ts";
import type { ChangeOutcome } from "../../src/user_grade.ts";
import { number, ODD_IDS } from "../storage/arbitraries.ts";

/** How many changes the small rings of these tests keep at least. */
const KEPT_MIN = 8;

const permissions = "none";

const id = fc.constantFrom(...ODD_IDS);

const outcome: fc.Arbitrary<ChangeOutcome> = fc.oneof(
  fc.record({
    user_id: id,
    // JSON knows no -0, and storage gives none.
    postpaid_limit: number.map((value) => value + 0),
    spp: number.map((value) => value + 0),
    shipping_fee: number.map((value) => value + 0),
    return_fee: number.map((value) => value + 0),
  }, { noNullPrototype: true }),
  fc.record({
    user_id: id,
    deleted: fc.constant(true as const),
    existed: fc.boolean(),
  }, { noNullPrototype: true }),
);

/** An entry with what its changes left, or a state that was made elsewhere. */
type Step =
  | { readonly outcomes: ChangeOutcome[] }
  | { readonly skipped: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: fc.record({ outcomes: fc.array(outcome) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        outcomes: fc.array(outcome, {
          minLength: KEPT_MIN + 1,
          maxLength: KEPT_MIN + 3,
        }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ skipped: fc.nat(5) }) },
  ),
  { maxLength: 60 },
);

/** All changes since the last gap, in a plain list. */
class Model {
  sequence = 0;
  /** The sequence at the last gap. */
  gap = 0;
  changes: { sequence: number; outcome: ChangeOutcome }[] = [];

  play(step: Step): void {
    this.sequence += "skipped" in step ? step.skipped : 1;
    if ("skipped" in step || step.outcomes.length > KEPT_MIN) {
      this.gap = this.sequence;
      this.changes = [];
      return;
    }
    const { sequence } = this;
    this.changes.push(
      ...step.outcomes.map((outcome) => ({ sequence, outcome })),
    );
  }
}

function play(ring: ChangeRing, model: Model, step: Step): void {
  model.play(step);
  if ("skipped" in step) ring.adopted(model.sequence);
  else ring.applied(model.sequence, step.outcomes);
}

/** What a watcher is told. */
function told(outcome: ChangeOutcome): unknown {
  return "deleted" in outcome ? { user_id: outcome.user_id } : outcome;
}

function compare(ring: ChangeRing, model: Model): void {
  const { start, end, floor } = ring;
  const kept = model.changes.slice(model.changes.length - (end - start));
  assert.equal(kept.length, end - start);
  assert.ok(kept.length >= Math.min(KEPT_MIN, model.changes.length));
  assert.ok(kept.length <= 2 * KEPT_MIN);
  assert.equal(ring.sequence, model.sequence);
  kept.forEach(({ sequence, outcome }, i) => {
    assert.equal(ring.sequenceOf(start + i), sequence);
    assert.equal(ring.isDeletion(start + i), "deleted" in outcome);
    assert.equal(ring.userIdOf(start + i), outcome.user_id);
    assert.deepEqual(JSON.parse(ring.jsonOf(start + i)), told(outcome));
  });
  // Nothing after the floor is missing, and the floor is no higher than that.
  const forgotten = model.changes[model.changes.length - kept.length - 1];
  assert.equal(floor, forgotten?.sequence ?? model.gap);
  for (let after = floor; after <= model.sequence + 1; after++) {
    const later = kept.filter(({ sequence }) => sequence > after);
    assert.equal(ring.firstAfter(after), end - later.length);
  }
}

Deno.test(
  "ChangeRing keeps the last changes as a plain list does, whole entries at a time",
  { permissions },
  () => {
    fc.assert(fc.property(steps, (steps) => {
      const ring = new ChangeRing(KEPT_MIN);
      const model = new Model();
      for (const step of steps) {
        play(ring, model, step);
        compare(ring, model);
      }
    }));
  },
);

Deno.test(
  "ChangeRing numbers on over a gap, and tells of each entry and each gap once",
  { permissions },
  () => {
    fc.assert(fc.property(steps, (steps) => {
      const ring = new ChangeRing(KEPT_MIN);
      const model = new Model();
      let told = 0;
      ring.onChange = () => told++;
      let { gaps, end } = ring;
      for (const step of steps) {
        play(ring, model, step);
        const isGap = ring.gaps > gaps;
        assert.equal(ring.gaps - gaps, isGap ? 1 : 0);
        assert.equal(
          ring.end - end,
          isGap || "skipped" in step ? 0 : step.outcomes.length,
        );
        ({ gaps, end } = ring);
      }
      assert.equal(told, steps.length);
    }));
  },
);

Deno.test(
  `ChangeRing keeps the last ${CHANGES_KEPT_MIN} changes with the longest ids, and no more than twice as many`,
  { permissions },
  () => {
    const ring = new ChangeRing();
    const numbers = {
      postpaid_limit: 1,
      spp: 2,
      shipping_fee: 3,
      return_fee: 4,
    };
    const ids = ["日".repeat(85), "x".repeat(256)];
    for (let sequence = 1; sequence <= 132_000; sequence++) {
      ring.applied(sequence, [{ user_id: ids[sequence % 2], ...numbers }]);
    }
    const kept = ring.end - ring.start;
    assert.ok(kept >= CHANGES_KEPT_MIN && kept <= 2 * CHANGES_KEPT_MIN);
    assert.equal(ring.floor, 132_000 - kept);
    assert.equal(ring.userIdOf(ring.start), ids[(ring.floor + 1) % 2]);
    assert.equal(ring.userIdOf(ring.end - 1), ids[0]);
  },
);
