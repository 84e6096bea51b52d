import assert from "node:assert/strict";
import * as fc from "fast-check";
import { objection } from "../../src/cluster/objection.ts";
import type { OtherReplica } from "../../src/replica/healing_facts.ts";
import { OTHER_LOG, otherReplica } from "./heartbeats.ts";

const permissions = "none";

const own = { id: otherReplica("a").logId!, healedTo: 5 };
const log = { firstSequence: 1, lastSequence: 10 };
const moved = { firstSequence: 11, lastSequence: 10 };
const empty = { firstSequence: 1, lastSequence: 0 };

Deno.test("each kind of word that forbids to propose, and what it says", {
  permissions,
}, () => {
  const fuller = { appliedSequence: 11 };
  const cases: [Partial<OtherReplica>, typeof log, RegExp | undefined][] = [
    [{}, log, undefined],
    [fuller, log, /^replica b has applied entry 11 .* ends at entry 10 now$/],
    [{ ...fuller, state: "healing" }, log, /applied entry 11/],
    [{ ...fuller, state: "ahead_of_log" }, log, /applied entry 11/],
    [{ ...fuller, state: "away" }, log, /applied entry 11/],
    [{ ...fuller, healedTo: 9 }, log, /applied entry 11/],
    // It can't heal the log, and was there when others did.
    [{ ...fuller, heals: undefined }, log, /applied entry 11/],
    // The log was healed without these.
    [{ ...fuller, state: "forked" }, log, undefined],
    [{ ...fuller, healedTo: 4 }, log, undefined],
    [{ ...fuller, healedTo: null }, log, undefined],
    [{ ...fuller, logId: OTHER_LOG }, log, undefined],
    [{ ...fuller, logId: null }, log, undefined],
    // The mark is missing, or is there.
    [{ state: "healing" }, moved, /^replica b makes the log whole$/],
    [{ state: "healing", healedTo: null }, moved, undefined],
    [{ state: "healing" }, log, undefined],
    [{ state: "ready" }, moved, undefined],
    // A log that is made from a file.
    [{ state: "healing", logId: null }, empty, /from a backup/],
    [{ state: "healing", logId: OTHER_LOG }, empty, /from a backup/],
    [{ state: "healing", logId: OTHER_LOG }, log, undefined],
    // It was lost before it had an entry, and is made again.
    [{ state: "healing", appliedSequence: 0 }, empty, undefined],
  ];
  for (const [others, ends, reason] of cases) {
    const said = objection(
      otherReplica("b", { healedTo: 5, ...others }),
      own,
      ends,
    );
    if (reason === undefined) assert.equal(said, undefined);
    else assert.match(said ?? "", reason, JSON.stringify(others));
  }
});

Deno.test("a replica whose log was never healed listens to every generation", {
  permissions,
}, () => {
  const fuller = { appliedSequence: 11 };
  for (const healedTo of [null, 5]) {
    assert.notEqual(
      objection(
        otherReplica("b", { ...fuller, healedTo }),
        { id: own.id, healedTo: null },
        log,
      ),
      undefined,
    );
  }
});

Deno.test(
  "two replicas of one history that both heal never wait for each other once the mark is there",
  {
    permissions,
  },
  () => {
    const place = fc.record({
      before: fc.constantFrom(null, 0),
      isMarked: fc.boolean(),
      state: fc.constantFrom("healing", "ready", "away", "ahead_of_log"),
    });
    fc.assert(fc.property(
      fc.tuple(place, place),
      fc.integer({ min: 1, max: 20 }),
      ([a, b], healedTo) => {
        // Up to the heal point, or the mark after it applied too.
        const said = (id: string, { isMarked, state, before }: typeof a) =>
          otherReplica(id, {
            state,
            healedTo: isMarked ? healedTo : before,
            appliedSequence: isMarked ? healedTo + 1 : healedTo,
          });
        const ends = {
          firstSequence: healedTo + 1,
          lastSequence: healedTo + 1,
        };
        for (const [self, other] of [[a, b], [b, a]]) {
          const { healedTo } = said("self", self);
          assert.equal(
            objection(said("other", other), { id: own.id, healedTo }, ends),
            undefined,
          );
        }
      },
    ));
  },
);
