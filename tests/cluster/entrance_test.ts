import assert from "node:assert/strict";
import { enter, type EntrancePorts } from "../../src/cluster/entrance.ts";
import {
  HEARING_AFTER_OUTAGE_MS,
  HEARING_MS,
} from "../../src/cluster/hearing.ts";
import type { Heartbeat } from "../../src/cluster/heartbeat.ts";
import type { FoundLog, HeldState } from "../../src/cluster/misfit.ts";
import { DOUBT_MS, Room } from "../../src/cluster/room.ts";
import { heartbeat } from "./heartbeats.ts";

const permissions = "none";
const LOG = "8f14e45fceea167a";

/** What the bucket has of a log that ends at entry 5. */
const STORED: HeldState = {
  holder: "the bucket",
  session: "",
  logId: LOG,
  sequence: 5,
  users: 3,
  isOfAnotherHistory: false,
  kind: "store",
};

function logTo(lastSequence: number): FoundLog {
  return { id: LOG, lastSequence };
}

/** A room that was joined at 0 ms, and what it has heard since. */
function roomOf(...heartbeats: Heartbeat[]): Room {
  const room = new Room(false);
  room.hearing.joined(false, 0);
  for (const one of heartbeats) room.heard(one, 0);
  return room;
}

/** The ports of a start that is not held back; others as given. */
function portsOf(
  find: () => FoundLog | undefined,
  others: Partial<EntrancePorts> = {},
): EntrancePorts {
  return {
    find: () => Promise.resolve(find()),
    ask: () => Promise.resolve(),
    hold: (reason) => assert.fail(reason),
    now: () => HEARING_MS,
    ...others,
  };
}

Deno.test(
  "a start goes on by a look at the log that is newer than what was heard",
  { permissions },
  async () => {
    const room = roomOf();
    // Each look finds one entry more, as the peers that are asked do.
    let sequence = 0;
    const ask = () => {
      room.heard(heartbeat("b", { applied_sequence: sequence + 1 }), 0);
      return Promise.resolve();
    };
    await enter(room, portsOf(() => logTo(++sequence), { ask }));
    assert.equal(sequence, 2);
  },
);

Deno.test(
  "a start is held back, with the reason, until the log is whole",
  { permissions },
  async () => {
    const room = roomOf(heartbeat("b", { applied_sequence: 10 }));
    let log: FoundLog | undefined;
    let now_ms = HEARING_MS;
    let asked = 0;
    const held: string[] = [];
    const ports = portsOf(() => log, {
      ask: () => Promise.resolve(void asked++),
      hold: (reason) => log = logTo(held.push(reason) === 1 ? 9 : 10),
      now: () => now_ms += DOUBT_MS,
    });
    await enter(room, ports, () => Promise.resolve());
    assert.equal(held.length, 2);
    assert.match(held[0], /no such stream/);
    assert.match(held[1], /ends at entry 9/);
    assert.equal(asked, 3);
  },
);

Deno.test(
  "a start ends when its log can't be used",
  { permissions },
  async () => {
    const find = () => Promise.reject(new Error("refused"));
    const ports = portsOf(() => undefined, { find });
    await assert.rejects(enter(new Room(false), ports), /refused/);
  },
);

Deno.test(
  "a start asks the stores anew when a replica that held a state was started anew: it may have stored it",
  { permissions },
  async () => {
    for (const found of [undefined, logTo(3)]) {
      const room = roomOf(heartbeat("b", { applied_sequence: 5 }));
      let log = found;
      let now_ms = HEARING_MS;
      let asked = 0;
      const held: string[] = [];
      const ports = portsOf(() => log, {
        ask: () => {
          if (++asked === 2) room.noteHeld(STORED.holder, STORED);
          return Promise.resolve();
        },
        hold: (reason) => {
          held.push(reason);
          log = logTo(5);
        },
        now: () => now_ms += DOUBT_MS / 4,
      });
      await enter(room, ports, () => {
        room.heard(heartbeat("b", { state: "starting", log_id: null }), 0);
        return Promise.resolve();
      });
      assert.equal(asked, 3);
      assert.match(held.join(), /the bucket holds 3 users at entry 5/);
    }
  },
);

Deno.test(
  "a start that would make a new log asks the stores anew after it has listened: one that was not heard may have stored its state",
  { permissions },
  async () => {
    const room = roomOf();
    let now_ms = 0;
    let log: FoundLog | undefined;
    const asked_ms: number[] = [];
    const held: string[] = [];
    const ports = portsOf(() => log, {
      ask: () => {
        asked_ms.push(now_ms);
        if (now_ms > 0) room.noteHeld(STORED.holder, STORED);
        return Promise.resolve();
      },
      hold: (reason) => {
        held.push(reason);
        log = logTo(5);
      },
      now: () => now_ms,
    });
    await enter(room, ports, (ms) => {
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
    const room = roomOf();
    const found = [logTo(5), undefined, undefined, undefined];
    const asked: (FoundLog | undefined)[] = [];
    const ask = (log: FoundLog | undefined) => {
      asked.push(log);
      // Whoever holds the log's state says so only where the log does not have it.
      room.noteHeld(STORED.holder, log === undefined ? STORED : undefined);
      return Promise.resolve();
    };
    await enter(
      room,
      portsOf(() => found.length > 0 ? found.shift() : logTo(5), { ask }),
      () => Promise.resolve(),
    );
    assert.deepEqual(asked.slice(0, 2), [logTo(5), undefined]);
  },
);

Deno.test(
  "a start looks at the log no more often while the others are heard",
  { permissions },
  async () => {
    const room = new Room(false);
    let now_ms = 10;
    let looks = 0;
    const find = () => void looks++;
    await enter(room, portsOf(find, { now: () => now_ms }), (ms) => {
      now_ms += ms;
      // Not known before NATS is connected, so it is asked for until then.
      if (looks === 3 && now_ms < 200) room.hearing.joined(false, now_ms = 200);
      return Promise.resolve();
    });
    assert.deepEqual([looks, now_ms], [7, 200 + HEARING_MS]);
  },
);

Deno.test(
  "a start goes on as soon as one that may propose, and all that it hears, were heard",
  { permissions },
  async () => {
    const room = roomOf();
    let now_ms = 0;
    await enter(room, portsOf(() => logTo(10), { now: () => now_ms }), (ms) => {
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
    const room = roomOf();
    let log: FoundLog | undefined;
    let now_ms = 1e9;
    let asked = 0;
    const held: string[] = [];
    const ports = portsOf(() => log, {
      ask: () => {
        // The bucket says nothing while the connection breaks.
        if (++asked === 1) room.hearing.joined(true, 0);
        else room.noteHeld(STORED.holder, STORED);
        return Promise.resolve();
      },
      hold: (reason) => {
        held.push(reason);
        log = logTo(5);
      },
      now: () => now_ms += DOUBT_MS,
    });
    await enter(room, ports, () => Promise.resolve());
    assert.equal(asked, 3);
    assert.match(held[0], /the bucket holds 3 users at entry 5/);
  },
);

Deno.test(
  "a start whose connection is made anew while it listens goes on listening, in steps",
  { permissions },
  async () => {
    const room = roomOf();
    let now_ms = 0;
    await enter(room, portsOf(() => logTo(5), { now: () => now_ms }), (ms) => {
      assert.ok(ms > 0, `it sleeps for ${ms} ms at ${now_ms}`);
      now_ms += ms;
      if (now_ms === 100) room.hearing.joined(true, now_ms);
      return Promise.resolve();
    });
    assert.ok(now_ms >= 100 + HEARING_AFTER_OUTAGE_MS, `${now_ms}`);
  },
);
