import assert from "node:assert/strict";
import * as fc from "fast-check";
import type { Announcement } from "../../src/cluster/announcement.ts";
import { Equality, type OwnState } from "../../src/cluster/equality.ts";
import { type Peer, PEERS_MAX } from "../../src/cluster/presence.ts";
import { announcement, digestOf } from "./announcements.ts";

const LOG = "8f14e45fceea167a";

/** This replica, with its digests by sequence. */
function own(
  digests: Record<number, string>,
  others: Partial<OwnState> = {},
): OwnState {
  return {
    state: "ready",
    logId: LOG,
    digestAt: (sequence) => digests[sequence] && digestOf(digests[sequence]),
    ...others,
  };
}

function peer(one: Announcement, isGone = false): Peer {
  return { announcement: one, heard_ms_ago: 0, isGone };
}

const restarted = { session: "1".repeat(32) };
const wrong = { digest: digestOf("b") };

Deno.test(
  "replicas are compared at the highest sequence that both know, and at no other",
  {
    permissions: "none",
  },
  () => {
    const equality = new Equality();
    const other = announcement("b", {
      applied_sequence: 600,
      digest: digestOf("c"),
      checkpoints: [[512, digestOf("b")], [256, digestOf("a")]],
    });
    equality.compare(own({ 700: "d" }), other);
    assert.equal(equality.equals(peer(other)), null);
    equality.compare(own({ 256: "a" }), other);
    assert.equal(equality.equals(peer(other)), true);
    assert.equal(equality.comparedAt(peer(other)), 256);
    equality.compare(own({ 256: "a", 512: "b", 600: "c" }), other);
    assert.equal(equality.comparedAt(peer(other)), 600);
    assert.equal(equality.diverged, false);
  },
);

Deno.test(
  "replicas of other logs, or in states that are not the log applied in order, are not compared",
  {
    permissions: "none",
  },
  () => {
    const cases: [Partial<OwnState>, Partial<Announcement>][] = [
      [{ logId: null }, { log_id: null }],
      [{ logId: "other" }, {}],
      [{ state: "restoring" }, {}],
      [{ state: "ahead_of_log" }, {}],
      [{}, { state: "restoring" }],
      [{}, { state: "ahead_of_log" }],
      [{}, { state: "a_later_one" }],
    ];
    for (const [mine, theirs] of cases) {
      const equality = new Equality();
      const other = announcement("b", { ...wrong, ...theirs });
      assert.equal(equality.compare(own({ 10: "a" }, mine), other), undefined);
      assert.equal(equality.equals(peer(other)), null);
      assert.equal(equality.diverged, false);
    }
  },
);

Deno.test(
  "a difference of two is told once, and stays when the other is started anew and equal: it may have been filled by the wrong one",
  {
    permissions: "none",
  },
  () => {
    const equality = new Equality();
    const bad = announcement("b", wrong);
    assert.deepEqual(equality.compare(own({ 10: "a" }), bad), {
      replicaId: "b",
      session: bad.session,
      sequence: 10,
      ownDigest: digestOf("a"),
      digest: digestOf("b"),
    });
    assert.equal(equality.compare(own({ 10: "a" }), bad), undefined);
    assert.equal(equality.count, 1);
    // Its records were overwritten: the answers given meanwhile were not.
    const healed = announcement("b");
    equality.compare(own({ 10: "a" }), healed);
    equality.settle("a", [peer(healed)]);
    assert.equal(equality.equals(peer(healed)), false);
    assert.equal(equality.diverged, true);
    // While it is gone nobody can say which of the two was wrong.
    equality.settle("a", [peer(healed, true)]);
    equality.settle("a", []);
    assert.equal(equality.diverged, true);
    const anew = announcement("b", restarted);
    assert.equal(equality.equals(peer(anew)), null);
    equality.settle("a", [peer(anew)]);
    assert.equal(equality.diverged, true);
    equality.compare(own({ 10: "a" }), anew);
    equality.settle("a", [peer(anew)]);
    assert.equal(equality.diverged, true);
    assert.equal(equality.equals(peer(anew)), true);
    assert.equal(equality.count, 1);
  },
);

Deno.test(
  "a difference ends with the restart of the one that stood alone, and not with that of one that did not",
  {
    permissions: "none",
  },
  () => {
    const equality = new Equality();
    const bad = announcement("b", wrong);
    const third = announcement("c");
    const anew = announcement("b", restarted);
    const hear = (...others: Announcement[]) => {
      for (const one of others) equality.compare(own({ 10: "a" }), one);
      equality.settle("a", others.map((one) => peer(one)));
    };
    hear(bad, third);
    // The third one's own restart does not make it less so.
    hear(bad);
    assert.equal(equality.diverged, true);
    hear(anew, third);
    assert.equal(equality.diverged, false);

    // Nobody stood alone when the first start of it ended.
    hear(announcement("b", { ...wrong, session: "2".repeat(32) }));
    hear(announcement("b", { ...wrong, session: "3".repeat(32) }), third);
    hear(announcement("b", { session: "4".repeat(32) }), third);
    assert.equal(equality.equals(peer(third)), true);
    assert.equal(equality.diverged, true);
  },
);

Deno.test(
  "a difference with a replica that came back under another id ends once a third is equal",
  {
    permissions: "none",
  },
  () => {
    const equality = new Equality();
    const bad = announcement("b", wrong);
    const third = announcement("c");
    equality.compare(own({ 10: "a" }), bad);
    equality.compare(own({ 10: "a" }), third);
    equality.settle("a", [peer(bad), peer(third)]);
    assert.equal(equality.diverged, true);
    equality.settle("a", [peer(bad, true), peer(third)]);
    assert.equal(equality.diverged, false);
  },
);

Deno.test(
  "with three replicas each can tell which one stands alone; with two nobody can",
  {
    permissions: "none",
  },
  () => {
    const a = announcement("a");
    const b = announcement("b");
    const c = announcement("c", wrong);
    const view = (ownId: string, digest: string, others: Announcement[]) => {
      const equality = new Equality();
      for (const other of others) equality.compare(own({ 10: digest }), other);
      return equality.standsAlone(ownId, others.map((one) => peer(one)));
    };
    assert.equal(view("a", "a", [b, c]), "c");
    assert.equal(view("b", "a", [a, c]), "c");
    assert.equal(view("c", "b", [a, b]), "c");
    assert.equal(view("a", "a", [b]), null);
    assert.equal(view("a", "a", [c]), null);
    const d = announcement("d", { digest: digestOf("d") });
    assert.equal(view("a", "a", [c, d]), null);
  },
);

Deno.test(
  "a difference is seen if and only if the digests at the highest common sequence differ",
  {
    permissions: "none",
  },
  () => {
    const digests = fc.dictionary(
      fc.integer({ min: 1, max: 6 }).map(String),
      fc.constantFrom("a", "b"),
      { minKeys: 1 },
    );
    fc.assert(fc.property(digests, digests, (mine, theirs) => {
      const sequences = Object.keys(theirs).map(Number).sort((x, y) => x - y);
      const applied = sequences[sequences.length - 1];
      const equality = new Equality();
      const other = announcement("b", {
        applied_sequence: applied,
        digest: digestOf(theirs[applied]),
        checkpoints: sequences.slice(0, -1)
          .map((sequence) => [sequence, digestOf(theirs[sequence])]),
      });
      equality.compare(own(mine), other);
      const common = sequences.filter((sequence) => sequence in mine).pop();
      assert.equal(
        equality.equals(peer(other)),
        common === undefined ? null : mine[common] === theirs[common],
      );
      assert.equal(equality.diverged, equality.equals(peer(other)) === false);
    }));
  },
);

Deno.test("differences are kept for no more replicas than there may be", {
  permissions: "none",
}, () => {
  const equality = new Equality();
  for (let i = 0; i <= PEERS_MAX; i++) {
    equality.compare(own({ 10: "a" }), announcement(`r${i}`, wrong));
  }
  const at = (i: number) => equality.equals(peer(announcement(`r${i}`, wrong)));
  assert.equal(at(0), null);
  assert.equal(at(PEERS_MAX), false);
});
