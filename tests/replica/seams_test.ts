import assert from "node:assert/strict";
import fc from "fast-check";
import { forkBySeams } from "../../src/replica/fork.ts";
import {
  compareSeams,
  type Origin,
  originOf,
  Seams,
  SEAMS_MAX,
} from "../../src/replica/seams.ts";

const permissions = "none";

/** An entry: two never have the same time. */
interface Entry {
  readonly time: string;
  readonly isSeam: boolean;
}

let count = 0;

/** Entries that no other history has; the first is a seam. */
function entries(length: number, seamEvery: number): Entry[] {
  return Array.from({ length }, (_, i) => ({
    time: new Date(1_700_000_000_000 + ++count).toISOString(),
    isSeam: i % seamEvery === 0,
  }));
}

function stateAfter(history: readonly Entry[], from = Seams.NONE): Origin {
  const { since } = from;
  return {
    sequence: history.length,
    seams: history.reduce(
      (seams, { time, isSeam }, i) =>
        isSeam && i + 1 > since ? seams.with([i + 1, time]) : seams,
      from,
    ),
  };
}

/** As a snapshot tells it to others. */
function told({ sequence, seams }: Origin): Origin {
  return originOf({ sequence, seams: seams.data });
}

const histories = fc.record({
  common: fc.integer({ min: 1, max: 30 }),
  more: fc.integer({ min: 0, max: 30 }),
  other: fc.integer({ min: 1, max: 30 }),
  seamEvery: fc.integer({ min: 1, max: 50 }),
});

Deno.test({
  name: "a state that goes on from another one has its seams, and more",
  permissions,
  fn: () => {
    fc.assert(fc.property(histories, ({ common, more, seamEvery }) => {
      const short = entries(common, seamEvery);
      const long = [...short, ...entries(more, seamEvery)];
      const states = [stateAfter(short), stateAfter(long)] as const;
      assert.equal(compareSeams(states[0], told(states[1])), "same");
      assert.equal(compareSeams(told(states[1]), states[0]), "same");
      assert.equal(forkBySeams(states[0], told(states[1])), undefined);
    }));
  },
});

Deno.test({
  name:
    "two histories that went two ways differ by the seam of the second way, whichever is longer",
  permissions,
  fn: () => {
    fc.assert(fc.property(histories, ({ common, more, other, seamEvery }) => {
      const begin = entries(common, seamEvery);
      // What was there before a loss, and what was written in its place.
      const lost = [...begin, ...entries(1 + more, 1_000)].map((one, i) =>
        i === common ? { ...one, isSeam: false } : one
      );
      const kept = [...begin, ...entries(other, seamEvery)];
      const states = [stateAfter(lost), stateAfter(kept)];
      for (const [own, another] of [states, states.toReversed()]) {
        assert.equal(compareSeams(own, told(another)), "other");
        assert.match(forkBySeams(own, told(another))!, /^two histories: /);
      }
    }));
  },
});

Deno.test({
  name:
    "nothing is said of entries from before seams were noted, and only a fork by what was noted since",
  permissions,
  fn: () => {
    const history = entries(10, 3);
    // It began from a snapshot that an older version has made.
    const late = originOf({ sequence: 10 });
    assert.equal(compareSeams(late, stateAfter(history)), "unknown");
    const went = [...history, ...entries(3, 1)];
    const own = stateAfter(went, late.seams);
    assert.equal(compareSeams(own, told(stateAfter(went))), "same");
    const another = [...history, ...entries(3, 1)];
    assert.equal(compareSeams(own, told(stateAfter(another))), "other");
    assert.equal(
      compareSeams(originOf({ sequence: 0 }), own),
      "unknown",
    );
    assert.equal(compareSeams(stateAfter(history), own), "unknown");
    const many = stateAfter([...history, ...entries(SEAMS_MAX, 1)]);
    for (const sequence of [0, 5]) {
      assert.equal(compareSeams(originOf({ sequence }), many), "unknown");
    }
  },
});

Deno.test({
  name:
    "a replica that missed more seams than are kept can't be shown to be in the log's history: it is forked",
  permissions,
  fn: () => {
    const begin = entries(5, 5);
    const own = stateAfter(begin);
    for (const missed of [SEAMS_MAX - 1, SEAMS_MAX]) {
      const log = told(stateAfter([...begin, ...entries(missed, 1)]));
      const areKept = missed < SEAMS_MAX;
      assert.equal(
        compareSeams(own, log),
        areKept ? "same" : "forgotten",
      );
      if (!areKept) assert.match(forkBySeams(own, log)!, /away for so long/);
    }
  },
});

Deno.test({
  name: "a few of the newest seams say less, and nothing that is not so",
  permissions,
  fn: () => {
    const history = entries(9, 3);
    const state = stateAfter(history);
    const few = originOf({ sequence: 9, seams: state.seams.newest(1) });
    assert.deepEqual(few.seams.points, [[7, history[6].time]]);
    assert.equal(compareSeams(state, few), "same");
    assert.equal(
      compareSeams(stateAfter(history.slice(0, 5)), few),
      "forgotten",
    );
    const another = [...history.slice(0, 6), ...entries(3, 3)];
    assert.equal(compareSeams(stateAfter(another), few), "other");
  },
});
