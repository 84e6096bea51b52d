import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  HEARING_AFTER_OUTAGE_MS,
  HEARING_MS,
} from "../../src/cluster/hearing.ts";
import { GONE_AFTER_MS, HOLDERS_MAX } from "../../src/cluster/members.ts";
import type { FoundLog, HeldState } from "../../src/cluster/misfit.ts";
import { DOUBT_MS, Room } from "../../src/cluster/room.ts";
import { heartbeat, OTHER_LOG as OTHER } from "./heartbeats.ts";

const permissions = "none";

const LOG = "8f14e45fceea167a";

/** A log that ends where the heartbeats of these tests are. */
const log: FoundLog = { id: LOG, lastSequence: 10 };

/** What a room says once it has heard everyone and has no doubt any more. */
function verdict(room: Room, found: FoundLog | undefined) {
  room.judge(found, HEARING_MS);
  return room.judge(found, HEARING_MS + DOUBT_MS);
}

function roomOf(
  heartbeats: ReturnType<typeof heartbeat>[],
  isNewLogWanted = false,
): Room {
  const room = new Room(isNewLogWanted);
  room.hearing.joined(false, 0);
  for (const one of heartbeats) room.heard(one, 0);
  return room;
}

Deno.test(
  "a starting replica waits until the others had time to answer, longer if NATS was away",
  { permissions },
  () => {
    const room = new Room(false);
    assert.equal(room.judge(log, 1e9).type, "wait");
    room.hearing.joined(false, 100);
    assert.equal(room.judge(log, 100 + HEARING_MS - 1).type, "wait");
    assert.deepEqual(room.judge(log, 100 + HEARING_MS), { type: "go_on" });
    room.hearing.joined(true, 1_000);
    const end_ms = 1_000 + HEARING_AFTER_OUTAGE_MS;
    assert.equal(room.judge(log, end_ms - 1).type, "wait");
    assert.deepEqual(room.judge(log, end_ms), { type: "go_on" });
  },
);

Deno.test(
  "what a replica that may propose says does not make its fuller state fit",
  { permissions },
  () => {
    const fuller = heartbeat("b", { hears: [], applied_sequence: 11 });
    assert.equal(roomOf([fuller]).judge(log, 1).type, "wait");
    assert.equal(verdict(roomOf([fuller]), log).type, "refuse");
  },
);

Deno.test("states that the log has applied too let a replica go on", {
  permissions,
}, () => {
  const fitting = [
    heartbeat("a"),
    heartbeat("b", { state: "catching_up", applied_sequence: 3 }),
    heartbeat("c", { state: "draining" }),
    // Whatever these say of a log, they have nothing of it.
    heartbeat("d", { state: "starting", log_id: OTHER }),
    heartbeat("e", { state: "restoring", log_id: OTHER }),
    heartbeat("f", { log_id: OTHER, users: 0 }),
    heartbeat("g", { log_id: null }),
  ];
  assert.deepEqual(verdict(roomOf(fitting), log), { type: "go_on" });
});

Deno.test("each kind of fuller state holds a replica back, with the reason", {
  permissions,
}, () => {
  const cases: [
    Parameters<typeof heartbeat>[1],
    FoundLog | undefined,
    RegExp,
  ][] = [
    [{}, undefined, /and NATS has no such stream/],
    [{ users: 0 }, undefined, /and NATS has no such stream/],
    [{ log_id: OTHER }, log, /the stream is of log 8f14e45fceea167a/],
    [{ applied_sequence: 11 }, log, /the log ends at entry 10/],
    [{ applied_sequence: 11, users: 0 }, log, /the log ends at entry 10/],
    [{ state: "ahead_of_log" }, log, /the log has other entries by now/],
    [{ state: "upgrade_required", log_id: OTHER }, log, /of log/],
    [{ state: "draining", applied_sequence: 11 }, log, /ends at entry 10/],
    [{ state: "a_later_one" }, undefined, /no such stream/],
  ];
  for (const [others, found, reason] of cases) {
    const room = roomOf([heartbeat("a"), heartbeat("b", others)]);
    if (found === undefined) {
      room.heard(heartbeat("a", { applied_sequence: 0 }), 0);
    }
    const said = verdict(room, found);
    assert.equal(said.type, "refuse", JSON.stringify(others));
    assert.match((said as { reason: string }).reason, /^replica b holds \d+ u/);
    assert.match((said as { reason: string }).reason, reason);
    assert.match((said as { reason: string }).reason, /NEW_LOG=yes/);
  }
});

Deno.test(
  "a fuller state is doubted for a while, anew after each look at a log that it fits in",
  {
    permissions,
  },
  () => {
    const room = roomOf([heartbeat("a", { applied_sequence: 11 })]);
    const at = (now_ms: number, lastSequence: number) =>
      room.judge({ id: LOG, lastSequence }, now_ms).type;
    assert.equal(at(1_000, 10), "wait");
    assert.equal(at(1_000 + DOUBT_MS - 1, 10), "wait");
    assert.equal(at(1_000 + DOUBT_MS, 10), "refuse");
    assert.equal(at(3_000, 11), "go_on");
    assert.equal(at(4_000, 10), "wait");
  },
);

Deno.test(
  "silence makes nobody forgotten; a new start, or a log that is whole again, does",
  {
    permissions,
  },
  () => {
    const room = roomOf([heartbeat("a", { log_id: OTHER })]);
    assert.equal(verdict(room, log).type, "refuse");
    assert.equal(room.judge(log, 1e9).type, "refuse");
    // It says that it leaves; nobody else has what it holds.
    room.heard(heartbeat("a", { log_id: OTHER, state: "draining" }), 0);
    assert.equal(room.judge(log, 1e9).type, "refuse");
    assert.equal(
      room.judge({ id: OTHER, lastSequence: 10 }, 1e9).type,
      "go_on",
    );
    room.heard(
      heartbeat("a", {
        session: "1".repeat(32),
        state: "starting",
        log_id: null,
        users: 0,
        applied_sequence: 0,
      }),
      0,
    );
    assert.equal(room.judge(log, 1e9).type, "go_on");
  },
);

Deno.test(
  "NEW_LOG gives fuller states up, after they were heard, and names the fullest",
  {
    permissions,
  },
  () => {
    const room = roomOf([
      heartbeat("a", { log_id: OTHER, users: 2 }),
      heartbeat("b", { log_id: OTHER, users: 9 }),
      heartbeat("c", { log_id: OTHER, users: 5 }),
    ], true);
    assert.equal(room.judge(undefined, HEARING_MS - 1).type, "wait");
    const said = room.judge(undefined, HEARING_MS);
    assert.equal(said.type, "go_on");
    assert.match((said as { despite: string }).despite, /^replica b holds 9 /);
    assert.deepEqual(verdict(roomOf([], true), undefined), { type: "go_on" });
  },
);

Deno.test(
  "a file counts where it is of this very log, a store's snapshot also where there is no log, a peer always",
  {
    permissions,
  },
  () => {
    const held: HeldState = {
      holder: "file:///b.csv.gz",
      session: "",
      logId: OTHER,
      sequence: 5,
      users: 5,
      isOfAnotherHistory: false,
      kind: "file",
    };
    const types = (state: HeldState) => {
      const room = roomOf([]);
      room.noteHeld(state.holder, state);
      return [undefined, log, { id: OTHER, lastSequence: 4 }]
        .map((found) => verdict(room, found).type);
    };
    assert.deepEqual(types(held), ["go_on", "go_on", "refuse"]);
    assert.deepEqual(types({ ...held, kind: "replica" }), [
      "refuse",
      "refuse",
      "refuse",
    ]);
    assert.deepEqual(types({ ...held, kind: "store" }), [
      "refuse",
      "go_on",
      "refuse",
    ]);
    const room = roomOf([]);
    room.noteHeld(held.holder, { ...held, kind: "replica" });
    room.noteHeld(held.holder, undefined);
    assert.equal(verdict(room, log).type, "go_on");
  },
);

Deno.test("what is remembered is bounded, and who is known keeps its place", {
  permissions,
}, () => {
  const room = roomOf(
    Array.from({ length: HOLDERS_MAX + 1 }, (_, i) => heartbeat(`r${i}`)),
  );
  room.heard(heartbeat("one_more", { log_id: OTHER }), 0);
  assert.equal(verdict(room, log).type, "go_on");
  room.heard(heartbeat("r0", { log_id: OTHER }), 0);
  assert.equal(verdict(room, log).type, "refuse");
});

Deno.test(
  "nobody starts beside a replica that makes the log whole, until it has, is gone or starts anew",
  { permissions },
  () => {
    const healing = { state: "healing", log_id: LOG };
    const moved = { id: LOG, lastSequence: 10 };
    const cases: [Parameters<typeof heartbeat>[1], FoundLog | undefined][] = [
      [healing, moved],
      // It makes one from a backup, and has none yet.
      [{ ...healing, log_id: null, applied_sequence: 0, users: 0 }, undefined],
      [{ ...healing, log_id: null, applied_sequence: 0 }, log],
      [{ ...healing, log_id: OTHER }, { id: LOG, lastSequence: 0 }],
    ];
    for (const [others, found] of cases) {
      const room = roomOf([heartbeat("b", others)]);
      const said = verdict(room, found);
      assert.deepEqual(said, {
        type: "refuse",
        reason:
          "replica b makes the log whole, and this start goes on when that is done",
        isPassing: true,
      });
    }
    const room = roomOf([heartbeat("b", healing)]);
    assert.equal(verdict(room, moved).type, "refuse");
    assert.equal(room.judge(moved, GONE_AFTER_MS).type, "refuse");
    assert.equal(room.judge(moved, GONE_AFTER_MS + 1).type, "go_on");
    room.heard(heartbeat("b", healing), 20_000);
    assert.notEqual(room.judge(moved, 20_000).type, "go_on");
    room.heard(heartbeat("b"), 20_001);
    assert.equal(room.judge(moved, 20_001).type, "go_on");
  },
);

Deno.test(
  "what the log has gone past holds nobody, and where it has no log, it does",
  {
    permissions,
  },
  () => {
    const fuller = { applied_sequence: 11 };
    const healed = heartbeat("c", { healed_to: 5 });
    for (
      const others of [
        { ...fuller, state: "forked" },
        { ...fuller, healed_to: 4 },
        fuller,
      ]
    ) {
      const left = heartbeat("b", others);
      assert.equal(verdict(roomOf([left, healed]), log).type, "go_on");
      assert.equal(verdict(roomOf([left]), undefined).type, "refuse");
    }
    for (const healed_to of [5, 6]) {
      const ahead = heartbeat("b", { ...fuller, healed_to });
      assert.equal(verdict(roomOf([ahead, healed]), log).type, "refuse");
    }
  },
);

Deno.test(
  "a start is held where all replicas that are heard are forked, wherever the log is",
  {
    permissions,
  },
  () => {
    for (const applied_sequence of [3, 10, 11]) {
      const forked = heartbeat("b", { state: "forked", applied_sequence });
      const other = heartbeat("c", { state: "forked" });
      const held = verdict(roomOf([forked, other]), log);
      assert.equal(held.type, "refuse");
      assert.match(
        held.type === "refuse" ? held.reason : "",
        /save its backup/,
      );
      assert.equal(
        verdict(roomOf([forked, heartbeat("c")]), log).type,
        "go_on",
      );
    }
  },
);

Deno.test(
  "NEW_LOG gives up who stood against the start, in that life, and nobody who comes later",
  {
    permissions,
  },
  () => {
    const held = heartbeat("b", { state: "healing", applied_sequence: 11 });
    const room = roomOf([held, heartbeat("c")], true);
    assert.equal(verdict(room, log).type, "go_on");
    const { session } = held;
    assert.ok(room.isGivenUp({ id: "b", session }));
    assert.ok(!room.isGivenUp({ id: "c", session }));
    assert.ok(!room.isGivenUp({ id: "b", session: "1".repeat(32) }));
    // There is nothing to give up where the log is made whole.
    const healing = roomOf([heartbeat("b", { state: "healing" })], true);
    assert.equal(verdict(healing, log).type, "refuse");
  },
);

/** What a replica may say of itself, few values each, so that they meet. */
const anyHeartbeat = fc.record({
  id: fc.constantFrom("a", "b", "c"),
  session: fc.constantFrom("0".repeat(32), "1".repeat(32)),
  state: fc.constantFrom(
    "starting",
    "restoring",
    "catching_up",
    "ready",
    "away",
    "ahead_of_log",
    "draining",
  ),
  log_id: fc.constantFrom(null, LOG, OTHER),
  applied_sequence: fc.nat(3),
  users: fc.nat(2),
}).map(({ id, ...others }) => heartbeat(id, others));

Deno.test(
  "whatever is heard, a replica goes on exactly if every last word fits in the log",
  {
    permissions,
  },
  () => {
    fc.assert(fc.property(
      fc.array(anyHeartbeat, { maxLength: 12 }),
      fc.option(
        fc.record({
          id: fc.constantFrom(LOG, OTHER),
          lastSequence: fc.nat(3),
        }),
        { nil: undefined },
      ),
      (heartbeats, found) => {
        const last = new Map(heartbeats.map((one) => [one.replica_id, one]));
        const isFuller = [...last.values()].some((one) =>
          !["starting", "restoring"].includes(one.state) &&
          one.log_id !== null && one.applied_sequence > 0 &&
          (one.log_id === found?.id
            ? one.applied_sequence > found.lastSequence ||
              one.state === "ahead_of_log"
            : found === undefined || one.users > 0)
        );
        assert.equal(
          verdict(roomOf(heartbeats), found).type,
          isFuller ? "refuse" : "go_on",
        );
      },
    ));
  },
);

Deno.test(
  "of several replicas that make the log from a file, the one with the smallest id goes first",
  {
    permissions,
  },
  () => {
    const roomOf = (restorerId: string | undefined, others: string[]) => {
      const room = new Room(false, restorerId);
      room.hearing.joined(false, 0);
      for (const id of others) {
        room.heard(heartbeat(id, { state: "healing", log_id: null }), 0);
      }
      return room;
    };
    for (const found of [undefined, { id: LOG, lastSequence: 0 }]) {
      assert.equal(verdict(roomOf("a", ["b", "c"]), found).type, "go_on");
      assert.equal(verdict(roomOf("b", ["a", "c"]), found).type, "refuse");
      assert.equal(verdict(roomOf(undefined, ["b"]), found).type, "refuse");
      // One that has made its log already is not overtaken.
      const room = roomOf("a", []);
      room.heard(heartbeat("b", { state: "healing", log_id: OTHER }), 0);
      assert.equal(verdict(room, found).type, "refuse");
    }
  },
);
