import assert from "node:assert/strict";
import fc from "fast-check";
import { isBeyond, misfit } from "../../src/replica/fit.ts";
import type { HealPoint } from "../../src/log/healable_log.ts";
import type { LogLocation } from "../../src/log/log.ts";
import type { SnapshotInfo } from "../../src/snapshot/snapshot.ts";
import { newSeed } from "../support/random.ts";

const permissions = "none";

const LOG_ID = "8f14e45fceea167a";
const time = (sequence: number) => `2026-11-23T22:00:00.${sequence}Z`;

/** A log that has the entries from `first` to `last`, and maybe a mark first. */
function log(first: number, last: number, mark?: HealPoint) {
  return (sequence: number): LogLocation => ({
    firstSequence: first,
    lastSequence: last,
    time: sequence >= first && sequence <= last ? time(sequence) : undefined,
    ...(sequence > 0 && sequence === first - 1 && last >= first &&
      { begin: { mark } }),
  });
}

/** A snapshot of that log. */
function snapshot(sequence: number): SnapshotInfo {
  return {
    logId: LOG_ID,
    sequence,
    time: sequence === 0 ? null : time(sequence),
    rows: sequence,
    digest: undefined,
  };
}

Deno.test({
  name: "misfit() says why a log does not go on from a snapshot",
  permissions,
  fn: () => {
    const locate = log(4, 9);
    const cases: [SnapshotInfo, RegExp][] = [
      [
        { ...snapshot(5), logId: "other" },
        /^of another log: it is of other, this log is 8f14e45fceea167a$/,
      ],
      [{ ...snapshot(0), rows: 1 }, /^of no log: it has 1 users at sequence 0/],
      [
        snapshot(2),
        /^too old for the log: it ends at 2, the log begins at 4$/,
      ],
      [snapshot(0), /^too old for the log/],
      [
        snapshot(3),
        /^too old for the log: it ends at 3, and the log begins with entry 4, which does not show/,
      ],
      [
        snapshot(10),
        /^ahead of the log: it ends at 10, the log at 9$/,
      ],
      [
        { ...snapshot(7), time: time(8) },
        /^of another history: entry 7 of the log is of .*\.7Z, in .* of .*\.8Z/,
      ],
      [{ ...snapshot(9), time: null }, /^of another history/],
    ];
    for (const [info, reason] of cases) {
      assert.match(misfit(info, LOG_ID, locate(info.sequence))!, reason);
    }
  },
});

Deno.test({
  name: "misfit() takes a snapshot if the log has every entry after it",
  permissions,
  fn: () => {
    for (const sequence of [4, 8, 9]) {
      const location = log(4, 9)(sequence);
      assert.equal(misfit(snapshot(sequence), LOG_ID, location), undefined);
    }
    // One that begins after it because of that.
    const mark = { sequence: 3, digest: "a".repeat(16) };
    const location = log(4, 9, mark)(3);
    for (const digest of [undefined, mark.digest]) {
      const info = { ...snapshot(3), digest };
      assert.equal(misfit(info, LOG_ID, location), undefined);
    }
    assert.match(
      misfit({ ...snapshot(3), digest: "b".repeat(16) }, LOG_ID, location)!,
      /^of another history: the log begins with entry 4, .* digest a{16}, .* b{16}$/,
    );
    // Its first entry says what it follows.
    const follows = (after: string) => {
      const location = log(4, 9)(3);
      return { ...location, begin: { mark: undefined, after } };
    };
    assert.equal(misfit(snapshot(3), LOG_ID, follows(time(3))), undefined);
    assert.match(misfit(snapshot(3), LOG_ID, follows(time(2)))!, /^too old/);
    assert.match(
      misfit({ ...snapshot(3), time: null }, LOG_ID, follows(time(3)))!,
      /^too old/,
    );
    // One that has a single history says nothing of it.
    const { begin: _, ...embedded } = log(4, 9)(3);
    assert.equal(misfit(snapshot(3), LOG_ID, embedded), undefined);
    // A log without entries any more goes on after its last one.
    assert.equal(misfit(snapshot(9), LOG_ID, log(10, 9)(9)), undefined);
    assert.match(misfit(snapshot(8), LOG_ID, log(10, 9)(8))!, /too old/);
    assert.equal(misfit(snapshot(0), LOG_ID, log(1, 0)(0)), undefined);
  },
});

Deno.test({
  name:
    "isBeyond() tells what a log has lost: beyond its end, or from its fence on",
  permissions,
  fn: () => {
    const end = { sequence: 7, time: time(7), fence: undefined };
    const fence = { sequence: 9, digest: "a", at: 6, time: time(7) };
    for (
      const [sequence, isLost, isFenced] of [
        [5, false, false],
        [6, false, true],
        [7, false, true],
        [8, true, true],
      ] as const
    ) {
      const info = snapshot(sequence);
      assert.equal(isBeyond(info, undefined), false);
      assert.equal(isBeyond(info, end), isLost);
      assert.equal(isBeyond(info, { ...end, fence }), isFenced);
    }
  },
});

Deno.test({
  name: "misfit() refuses whatever would leave a gap or follow another entry",
  permissions,
  fn: () => {
    const sequence = fc.nat({ max: 12 });
    fc.assert(
      fc.property(
        fc.record({ first: fc.integer({ min: 1, max: 8 }), more: sequence }),
        sequence,
        fc.constantFrom("own", "another"),
        ({ first, more }, sequence, history) => {
          const last = first - 1 + more;
          const info = history === "own" || sequence === 0
            ? snapshot(sequence)
            : { ...snapshot(sequence), time: time(99) };
          const location = log(first, last)(sequence);
          const isTaken =
            misfit({ ...info, rows: 0 }, LOG_ID, location) === undefined;
          // The entry before the first can't be compared any more.
          const isEnd = sequence === last && first > last || sequence === 0;
          const reaches = sequence <= last &&
            (sequence >= first || isEnd && sequence === first - 1);
          const isSame = info.time === (snapshot(sequence).time) || isEnd;
          assert.equal(isTaken, reaches && isSame);
        },
      ),
      { seed: newSeed(), numRuns: 2_000 },
    );
  },
});

Deno.test({
  name:
    "misfit() takes a snapshot beyond the end of a log that is made whole, unless others wrote past the lost tail",
  permissions,
  fn: () => {
    const location = log(4, 7)(9);
    const beyond = { ...snapshot(9), digest: "a".repeat(16) };
    const end = (at: string | undefined) => ({
      sequence: 7,
      time: at,
      fence: undefined,
    });
    assert.match(misfit(beyond, LOG_ID, location)!, /^ahead of the log/);
    for (const at of [undefined, time(7), beyond.time!]) {
      assert.equal(misfit(beyond, LOG_ID, location, end(at)), undefined);
    }
    assert.match(
      misfit(beyond, LOG_ID, location, end("2026-11-24T00:00:00Z"))!,
      /^of another history: the last entry of the log, 7, is of .*24T.* later than entry 9 in the snapshot/,
    );
    // Without a time nothing shows that it is the log's.
    assert.match(
      misfit({ ...beyond, time: null }, LOG_ID, location, end(time(7)))!,
      /^of another history/,
    );
    // Others are judged as always.
    assert.match(
      misfit({ ...snapshot(7), time: time(8) }, LOG_ID, log(4, 7)(7), end(""))!,
      /^of another history/,
    );
  },
});

Deno.test({
  name:
    "misfit() takes nothing but the state that a fence says, whatever stands behind the fence, unless the fence is of the snapshot's own past",
  permissions,
  fn: () => {
    const digest = "a".repeat(16);
    const fence = { sequence: 9, digest, at: 8, time: "2026-11-24T00:00:00Z" };
    for (const last of [8, 9, 12]) {
      const end = { sequence: last, time: fence.time, fence };
      const judge = (info: SnapshotInfo) =>
        misfit(info, LOG_ID, log(4, last)(info.sequence), end);
      assert.equal(judge({ ...snapshot(9), digest }), undefined);
      assert.match(judge(snapshot(9))!, /^not what the log is made whole from/);
      assert.match(judge(snapshot(8))!, /the state at entry 9 with the digest/);
      // It is before the fence, and the log goes on from it.
      assert.equal(judge(snapshot(7)), undefined);
      // The healing of that fence is long over in this state.
      const later = { ...snapshot(40), time: "2026-11-25T00:00:00Z" };
      assert.equal(judge(later), undefined);
    }
  },
});
