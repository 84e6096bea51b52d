import assert from "node:assert/strict";
import * as fc from "fast-check";
import type { Heartbeat } from "../../src/cluster/heartbeat.ts";
import { Divergence, type OwnState } from "../../src/cluster/divergence.ts";
import { type Member, MEMBERS_MAX } from "../../src/cluster/members.ts";
import { digestOf, heartbeat } from "./heartbeats.ts";

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

function member(one: Heartbeat, isGone = false): Member {
  return { heartbeat: one, heardAgo_ms: 0, isGone };
}

const restarted = { session: "1".repeat(32) };
const wrong = { digest: digestOf("b") };

Deno.test(
  "replicas are compared at the highest sequence that both know, and at no other",
  {
    permissions: "none",
  },
  () => {
    const divergence = new Divergence();
    const other = heartbeat("b", {
      applied_sequence: 600,
      digest: digestOf("c"),
      checkpoints: [[512, digestOf("b")], [256, digestOf("a")]],
    });
    divergence.compare(own({ 700: "d" }), other);
    assert.equal(divergence.equals(member(other)), null);
    divergence.compare(own({ 256: "a" }), other);
    assert.equal(divergence.equals(member(other)), true);
    assert.equal(divergence.comparedAt(member(other)), 256);
    divergence.compare(own({ 256: "a", 512: "b", 600: "c" }), other);
    assert.equal(divergence.comparedAt(member(other)), 600);
    assert.equal(divergence.diverged, false);
  },
);

Deno.test(
  "replicas of other logs, or in states that are not the log applied in order, are not compared",
  {
    permissions: "none",
  },
  () => {
    const cases: [Partial<OwnState>, Partial<Heartbeat>][] = [
      [{ logId: null }, { log_id: null }],
      [{ logId: "other" }, {}],
      [{ state: "restoring" }, {}],
      [{ state: "ahead_of_log" }, {}],
      [{}, { state: "restoring" }],
      [{}, { state: "ahead_of_log" }],
      [{}, { state: "a_later_one" }],
    ];
    for (const [mine, theirs] of cases) {
      const divergence = new Divergence();
      const other = heartbeat("b", { ...wrong, ...theirs });
      assert.equal(
        divergence.compare(own({ 10: "a" }, mine), other),
        undefined,
      );
      assert.equal(divergence.equals(member(other)), null);
      assert.equal(divergence.diverged, false);
    }
  },
);

Deno.test(
  "a difference between two replicas is reported once, and stays when the other restarts and is equal: it may have been restored from the wrong one",
  {
    permissions: "none",
  },
  () => {
    const divergence = new Divergence();
    const bad = heartbeat("b", wrong);
    assert.deepEqual(divergence.compare(own({ 10: "a" }), bad), {
      replicaId: "b",
      session: bad.session,
      sequence: 10,
      ownDigest: digestOf("a"),
      digest: digestOf("b"),
    });
    assert.equal(divergence.compare(own({ 10: "a" }), bad), undefined);
    assert.equal(divergence.count, 1);
    // Its records were overwritten, but it gave wrong answers before.
    const healed = heartbeat("b");
    divergence.compare(own({ 10: "a" }), healed);
    divergence.settle("a", [member(healed)]);
    assert.equal(divergence.equals(member(healed)), false);
    assert.equal(divergence.diverged, true);
    // While it is gone, neither replica can tell which one was wrong.
    divergence.settle("a", [member(healed, true)]);
    divergence.settle("a", []);
    assert.equal(divergence.diverged, true);
    const anew = heartbeat("b", restarted);
    assert.equal(divergence.equals(member(anew)), null);
    divergence.settle("a", [member(anew)]);
    assert.equal(divergence.diverged, true);
    divergence.compare(own({ 10: "a" }), anew);
    divergence.settle("a", [member(anew)]);
    assert.equal(divergence.diverged, true);
    assert.equal(divergence.equals(member(anew)), true);
    assert.equal(divergence.count, 1);
  },
);

Deno.test(
  "a difference ends when the replica that stood alone restarts, and not when another one does",
  {
    permissions: "none",
  },
  () => {
    const divergence = new Divergence();
    const bad = heartbeat("b", wrong);
    const third = heartbeat("c");
    const anew = heartbeat("b", restarted);
    const hear = (...others: Heartbeat[]) => {
      for (const one of others) divergence.compare(own({ 10: "a" }), one);
      divergence.settle("a", others.map((one) => member(one)));
    };
    hear(bad, third);
    // It stays while the third replica is away.
    hear(bad);
    assert.equal(divergence.diverged, true);
    hear(anew, third);
    assert.equal(divergence.diverged, false);

    // No replica stood alone when the first session ended.
    hear(heartbeat("b", { ...wrong, session: "2".repeat(32) }));
    hear(heartbeat("b", { ...wrong, session: "3".repeat(32) }), third);
    hear(heartbeat("b", { session: "4".repeat(32) }), third);
    assert.equal(divergence.equals(member(third)), true);
    assert.equal(divergence.diverged, true);
  },
);

Deno.test(
  "a difference with a replica that came back under another id ends when a third is equal",
  {
    permissions: "none",
  },
  () => {
    const divergence = new Divergence();
    const bad = heartbeat("b", wrong);
    const third = heartbeat("c");
    divergence.compare(own({ 10: "a" }), bad);
    divergence.compare(own({ 10: "a" }), third);
    divergence.settle("a", [member(bad), member(third)]);
    assert.equal(divergence.diverged, true);
    divergence.settle("a", [member(bad, true), member(third)]);
    assert.equal(divergence.diverged, false);
  },
);

Deno.test(
  "with three replicas each can tell which one stands alone; with two neither can",
  {
    permissions: "none",
  },
  () => {
    const a = heartbeat("a");
    const b = heartbeat("b");
    const c = heartbeat("c", wrong);
    const view = (ownId: string, digest: string, others: Heartbeat[]) => {
      const divergence = new Divergence();
      for (const other of others) {
        divergence.compare(own({ 10: digest }), other);
      }
      return divergence.standsAlone(ownId, others.map((one) => member(one)));
    };
    assert.equal(view("a", "a", [b, c]), "c");
    assert.equal(view("b", "a", [a, c]), "c");
    assert.equal(view("c", "b", [a, b]), "c");
    assert.equal(view("a", "a", [b]), null);
    assert.equal(view("a", "a", [c]), null);
    const d = heartbeat("d", { digest: digestOf("d") });
    assert.equal(view("a", "a", [c, d]), null);
  },
);

Deno.test(
  "a difference is found if and only if the digests at the highest common sequence differ",
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
      const divergence = new Divergence();
      const other = heartbeat("b", {
        applied_sequence: applied,
        digest: digestOf(theirs[applied]),
        checkpoints: sequences.slice(0, -1)
          .map((sequence) => [sequence, digestOf(theirs[sequence])]),
      });
      divergence.compare(own(mine), other);
      const common = sequences.filter((sequence) => sequence in mine).pop();
      assert.equal(
        divergence.equals(member(other)),
        common === undefined ? null : mine[common] === theirs[common],
      );
      assert.equal(
        divergence.diverged,
        divergence.equals(member(other)) === false,
      );
    }));
  },
);

Deno.test(
  "differences are kept for at most as many replicas as are remembered",
  {
    permissions: "none",
  },
  () => {
    const divergence = new Divergence();
    for (let i = 0; i <= MEMBERS_MAX; i++) {
      divergence.compare(own({ 10: "a" }), heartbeat(`r${i}`, wrong));
    }
    const at = (i: number) =>
      divergence.equals(member(heartbeat(`r${i}`, wrong)));
    assert.equal(at(0), null);
    assert.equal(at(MEMBERS_MAX), false);
  },
);

Deno.test(
  "a difference ends when the other replica says that it is forked, and not when another life of it does",
  {
    permissions: "none",
  },
  () => {
    const divergence = new Divergence();
    const bad = heartbeat("b", { applied_sequence: 4, ...wrong });
    divergence.compare(own({ 4: "a" }), bad);
    divergence.settle("a", [member(bad)]);
    assert.ok(divergence.diverged);
    const anew = { ...bad, ...restarted, state: "forked" };
    divergence.settle("a", [member(anew)]);
    assert.ok(divergence.diverged);
    divergence.settle("a", [member({ ...bad, state: "forked" })]);
    assert.ok(!divergence.diverged);
  },
);
