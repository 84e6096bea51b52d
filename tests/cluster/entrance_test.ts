import assert from "node:assert/strict";
import { enter } from "../../src/cluster/entrance.ts";
import {
  HEARING_AFTER_OUTAGE_MS,
  HEARING_MS,
} from "../../src/cluster/hearing.ts";
import type { FoundLog, HeldState } from "../../src/cluster/misfit.ts";
import { DOUBT_MS, Room } from "../../src/cluster/room.ts";
import { heartbeat } from "./heartbeats.ts";

const permissions = "none";
const LOG = "8f14e45fceea167a";

/** What a store says of the state of a log. */
const STORED: HeldState = {
  holder: "the bucket",
  session: "",
  logId: LOG,
  sequence: 5,
  users: 3,
  isOfAnotherHistory: false,
  kind: "store",
};

Deno.test(
  "a start goes on by a look at the log that is newer than what was heard",
  {
    permissions,
  },
  async () => {
    const room = new Room(false);
    room.hearing.joined(false, 0);
    // Each look finds one entry more, as the peers that are asked do.
    let sequence = 0;
    const held: string[] = [];
    await enter(room, {
      find: () => Promise.resolve({ id: LOG, lastSequence: ++sequence }),
      ask: () => {
        room.heard(heartbeat("b", { applied_sequence: sequence + 1 }), 0);
        return Promise.resolve();
      },
      hold: (reason) => held.push(reason),
      now: () => HEARING_MS,
    });
    assert.deepEqual([sequence, held], [2, []]);
  },
);

Deno.test("a start is held back, with the reason, until the log is whole", {
  permissions,
}, async () => {
  const room = new Room(false);
  room.hearing.joined(false, 0);
  room.heard(heartbeat("b", { applied_sequence: 10 }), 0);
  let log: FoundLog | undefined;
  let now_ms = HEARING_MS;
  const held: string[] = [];
  let asked = 0;
  await enter(room, {
    find: () => Promise.resolve(log),
    ask: () => Promise.resolve(void asked++),
    hold: (reason) => {
      held.push(reason);
      log = { id: LOG, lastSequence: held.length === 1 ? 9 : 10 };
    },
    now: () => now_ms += DOUBT_MS,
  });
  assert.equal(held.length, 2);
  assert.match(held[0], /no such stream/);
  assert.match(held[1], /ends at entry 9/);
  assert.equal(asked, 3);
});

Deno.test(
  "a start ends when its log can't be used",
  { permissions },
  async () => {
    const find = () => Promise.reject(new Error("refused"));
    const room = new Room(false);
    const ports = {
      find,
      ask: () => Promise.resolve(),
      hold: () => {},
      now: () => 0,
    };
    await assert.rejects(enter(room, ports), /refused/);
  },
);

Deno.test(
  "a start asks the stores anew when a replica that held a state was started anew: it may have stored it",
  { permissions },
  async () => {
    const room = new Room(false);
    room.hearing.joined(false, 0);
    room.heard(heartbeat("b", { applied_sequence: 5 }), 0);
    const held: string[] = [];
    let asked = 0;
    let clock = 0;
    let log: FoundLog | undefined;
    await enter(room, {
      find: () => Promise.resolve(log),
      ask: () => {
        if (++asked === 2) {
          room.noteHeld("the bucket", STORED);
        }
        return Promise.resolve();
      },
      hold: (reason) => {
        held.push(reason);
        log = { id: LOG, lastSequence: 5 };
      },
      now: () => HEARING_MS + (clock += DOUBT_MS / 4),
    }, () => {
      room.heard(heartbeat("b", { state: "starting", log_id: null }), 0);
      return Promise.resolve();
    });
    assert.equal(asked, 3);
    assert.match(held.join(), /the bucket holds 3 users at entry 5/);
  },
);

Deno.test(
  "a start that would make a new log asks the stores anew after it has listened: one that was not heard may have stored its state",
  { permissions },
  async () => {
    const room = new Room(false);
    room.hearing.joined(false, 0);
    let now_ms = 0;
    let log: FoundLog | undefined;
    const asked_ms: number[] = [];
    const held: string[] = [];
    await enter(room, {
      find: () => Promise.resolve(log),
      ask: () => {
        asked_ms.push(now_ms);
        if (now_ms > 0) room.noteHeld("the bucket", STORED);
        return Promise.resolve();
      },
      hold: (reason) => {
        held.push(reason);
        log = { id: LOG, lastSequence: 5 };
      },
      now: () => now_ms,
    }, (ms) => {
      now_ms += ms;
      return Promise.resolve();
    });
    assert.deepEqual(asked_ms.slice(0, 2), [0, HEARING_MS]);
    assert.match(held.join(), /the bucket holds 3 users at entry 5/);
  },
);

Deno.test(
  "a start asks anew when the log is lost after all were asked",
  { permissions },
  async () => {
    const room = new Room(false);
    room.hearing.joined(false, 0);
    // Whoever holds the log's state says so only where the log does not have it.
    const found: (FoundLog | undefined)[] = [
      { id: LOG, lastSequence: 5 },
      undefined,
      undefined,
      undefined,
      { id: LOG, lastSequence: 5 },
    ];
    const asked: (FoundLog | undefined)[] = [];
    const held: string[] = [];
    await enter(room, {
      find: () => Promise.resolve(found.length > 1 ? found.shift() : found[0]),
      ask: (log) => {
        asked.push(log);
        room.noteHeld(
          "the bucket",
          log === undefined ? STORED : undefined,
        );
        return Promise.resolve();
      },
      hold: (reason) => held.push(reason),
      now: () => HEARING_MS,
    }, () => Promise.resolve());
    assert.deepEqual(asked.slice(0, 2), [
      { id: LOG, lastSequence: 5 },
      undefined,
    ]);
    assert.deepEqual(held, []);
  },
);

Deno.test(
  "a start looks at the log no more often while the others are heard",
  { permissions },
  async () => {
    const room = new Room(false);
    let now_ms = 10;
    let looks = 0;
    await enter(room, {
      find: () => Promise.resolve(void looks++),
      ask: () => Promise.resolve(),
      hold: () => {},
      now: () => now_ms,
    }, (ms) => {
      now_ms += ms;
      // Not known before NATS is connected, so it is asked for until then.
      if (looks === 3 && now_ms < 200) room.hearing.joined(false, now_ms = 200);
      return Promise.resolve();
    });
    // Two more since there is no log: the stores are asked anew.
    assert.deepEqual([looks, now_ms], [7, 200 + HEARING_MS]);
  },
);

Deno.test(
  "a start goes on as soon as one that may propose, and all that it hears, were heard",
  { permissions },
  async () => {
    const room = new Room(false);
    room.hearing.joined(false, 0);
    const log = { id: LOG, lastSequence: 10 };
    let now_ms = 0;
    await enter(room, {
      find: () => Promise.resolve(log),
      ask: () => Promise.resolve(),
      hold: () => assert.fail(),
      now: () => now_ms,
    }, (ms) => {
      now_ms += ms;
      if (now_ms === 20) room.heard(heartbeat("b", { hears: ["c"] }), now_ms);
      if (now_ms === 50) room.heard(heartbeat("c"), now_ms);
      return Promise.resolve();
    });
    assert.equal(now_ms, 50);
  },
);

Deno.test(
  "a start asks anew when the connection was lost after all were asked",
  { permissions },
  async () => {
    const room = new Room(false);
    room.hearing.joined(false, 0);
    let asked = 0;
    const held: string[] = [];
    let log: FoundLog | undefined;
    let now_ms = 1e9;
    await enter(room, {
      find: () => Promise.resolve(log),
      ask: () => {
        // The bucket says nothing while the connection breaks.
        if (++asked === 1) room.hearing.joined(true, 0);
        else {
          room.noteHeld("the bucket", STORED);
        }
        return Promise.resolve();
      },
      hold: (reason) => {
        held.push(reason);
        log = { id: LOG, lastSequence: 5 };
      },
      now: () => now_ms += DOUBT_MS,
    }, () => Promise.resolve());
    assert.equal(asked, 3);
    assert.match(held[0], /the bucket holds 3 users at entry 5/);
  },
);

Deno.test(
  "a start whose connection is made anew while it listens goes on listening, in steps",
  { permissions },
  async () => {
    const room = new Room(false);
    room.hearing.joined(false, 0);
    const log = { id: LOG, lastSequence: 5 };
    let now_ms = 0;
    await enter(room, {
      find: () => Promise.resolve(log),
      ask: () => Promise.resolve(),
      hold: () => assert.fail(),
      now: () => now_ms,
    }, (ms) => {
      assert.ok(ms > 0, `it sleeps for ${ms} ms at ${now_ms}`);
      now_ms += ms;
      if (now_ms === 100) room.hearing.joined(true, now_ms);
      return Promise.resolve();
    });
    assert.ok(now_ms >= 100 + HEARING_AFTER_OUTAGE_MS, `${now_ms}`);
  },
);
