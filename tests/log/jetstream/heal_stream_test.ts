import assert from "node:assert/strict";
import { encodeFence } from "../../../src/log/fence.ts";
import { ApiError, type Asking } from "../../../src/log/jetstream/api.ts";
import { HealableStream } from "../../../src/log/jetstream/heal_stream.ts";
import { EntryFeed } from "../../../src/log/jetstream/entry_feed.ts";
import { KnownLog } from "../../../src/log/jetstream/known_log.ts";
import { Proposals } from "../../../src/log/jetstream/proposals.ts";
import {
  type HealPoint,
  LogMovedError,
} from "../../../src/log/healable_log.ts";
import { Stream } from "../../../src/log/jetstream/stream.ts";
import { newStreamConfig } from "../../../src/log/jetstream/stream_config.ts";
import { ownSubjects } from "../../../src/log/jetstream/subjects.ts";
import { LOOK } from "./session_driver.ts";

const LOG = "8f14e45fceea167a";

Deno.test(
  "HealableStream.look() lets the session look too once nothing is lost any more",
  {
    permissions: "none",
  },
  async () => {
    const feed = new EntryFeed(
      "s",
      ownSubjects("USERGRADE", "a"),
      new Proposals(5_000),
    );
    feed.startAfter(7, null);
    let last_seq = 5;
    const ask = (subject: string) =>
      subject.startsWith("STREAM.INFO.")
        ? Promise.resolve({
          ...LOOK,
          state: { first_seq: 1, last_seq, bytes: 0 },
        })
        : Promise.resolve({
          message: {
            seq: 5,
            subject: "usergrade.v1.set.a",
            time: "2026-01-01T00:00:01Z",
          },
        });
    const api: Asking = { ask, request: ask };
    let told = 0;
    const healing = new HealableStream("USERGRADE", {
      log: () => new KnownLog(LOOK, feed),
      connection: () => ({
        aside: api,
        asideStream: new Stream(api, "USERGRADE", () => 1024, () => "2.15.1"),
      }),
      healed: () => told++,
    });
    assert.equal((await healing.look())?.type, "tail");
    assert.equal(told, 0);
    last_seq = 7;
    assert.equal(await healing.look(), undefined);
    assert.equal(told, 1);
  },
);

Deno.test(
  "HealableStream.remake() makes the log again, under its id and on as many servers",
  {
    permissions: "none",
  },
  async () => {
    const made: unknown[] = [];
    const ask = (subject: string, body?: unknown) => {
      if (subject.startsWith("STREAM.CREATE.")) made.push(body);
      return Promise.resolve({
        ...LOOK,
        state: { first_seq: 0, last_seq: 0, bytes: 0 },
      });
    };
    const api: Asking = { ask, request: ask };
    const log = new KnownLog(
      { ...LOOK, config: newStreamConfig("USERGRADE", 3, LOG) },
      new EntryFeed("s", ownSubjects("USERGRADE", "a"), new Proposals(5_000)),
    );
    let told = 0;
    const healing = new HealableStream("USERGRADE", {
      log: () => log,
      connection: () => ({
        aside: api,
        asideStream: new Stream(api, "USERGRADE", () => 1024),
      }),
      healed: () => told++,
    });
    await healing.remake();
    assert.deepEqual(made, [newStreamConfig("USERGRADE", 3, LOG)]);
    assert.equal(told, 1);
  },
);

/** A stream that says what a test lets it, and what it was asked. */
function healableStream(
  ends: { first_seq: number; last_seq: number },
  entries: Readonly<Record<number, HealPoint>> = {},
  doesPurge = true,
) {
  const asked: string[] = [];
  let told = 0;
  const ask = (subject: string, body?: unknown) => {
    asked.push(subject);
    if (subject.startsWith("STREAM.INFO.")) {
      return Promise.resolve({ ...LOOK, state: { ...ends, bytes: 0 } });
    }
    if (subject.startsWith("STREAM.PURGE.") && doesPurge) {
      const { seq } = body as { seq: number };
      ends = { first_seq: seq, last_seq: seq - 1 };
    }
    if (!subject.startsWith("STREAM.MSG.GET.")) {
      return Promise.resolve({ seq: ends.last_seq + 1 });
    }
    const { seq } = body as { seq?: number };
    const at = Object.keys(entries).map(Number).filter((one) =>
      seq === undefined || one >= seq
    ).at(seq === undefined ? -1 : 0);
    if (at === undefined) {
      return Promise.reject(new ApiError(10037, "no message found"));
    }
    return Promise.resolve({
      message: {
        seq: at,
        subject: "usergrade.v2.set.$heal",
        data: btoa(encodeFence(entries[at])),
        time: "2026-01-01T00:00:01Z",
      },
    });
  };
  const fences: string[] = [];
  const api: Asking = {
    ask,
    request: (subject, body, { headers } = {}) => {
      const says = (what: string) => headers?.get(`Nats-Expected-${what}`);
      fences.push(`${says("Stream")} ${says("Last-Sequence")}`);
      return ask(subject, body);
    },
  };
  const stream = new HealableStream("USERGRADE", {
    log: () => {
      throw new Error("nobody asks for it here");
    },
    connection: () => ({
      aside: api,
      asideStream: new Stream(api, "USERGRADE", () => 1024, () => "2.15.1"),
    }),
    healed: () => told++,
  });
  return {
    stream,
    /** Of which stream and after which entry fences were written. */
    fences,
    /** What was asked for but to look. */
    get done() {
      return asked.filter((one) => !/INFO|MSG\.GET/.test(one));
    },
    get told() {
      return told;
    },
  };
}

const POINT: HealPoint = { sequence: 5, digest: "0123456789abcdef" };

Deno.test(
  "HealableStream.moveTo() purges where the newest fence says so and nowhere else, and looks whether it was done",
  { permissions: "none" },
  async () => {
    const PURGE = "STREAM.PURGE.USERGRADE";
    const ends = { first_seq: 1, last_seq: 3 };
    const unfenced = healableStream(ends);
    await assert.rejects(unfenced.stream.moveTo(POINT), LogMovedError);
    for (
      const point of [
        { ...POINT, sequence: 6 },
        { ...POINT, digest: "f".repeat(16) },
      ]
    ) {
      const other = healableStream(ends, { 3: point });
      await assert.rejects(other.stream.moveTo(POINT), LogMovedError);
      assert.deepEqual(other.done, []);
    }
    assert.deepEqual(unfenced.done, []);
    // A server that says that it has purged, and has not.
    const idle = healableStream(ends, { 3: POINT }, false);
    await assert.rejects(
      idle.stream.moveTo(POINT),
      /asked to move .* 6, .* 1$/,
    );
    assert.deepEqual([idle.done, idle.told], [[PURGE], 0]);
    for (
      const [at, point] of [[3, POINT], [1, { ...POINT, sequence: 1 }]] as const
    ) {
      const whole = healableStream({ first_seq: 1, last_seq: at }, {
        [at]: point,
      });
      await whole.stream.moveTo(point);
      assert.deepEqual([whole.done, whole.told], [[PURGE], 1]);
    }
    // It was moved before.
    const moved = healableStream({ first_seq: 6, last_seq: 5 });
    await moved.stream.moveTo(POINT);
    assert.deepEqual(moved.done, []);
    // The whole of it, for old servers.
    await assert.rejects(
      moved.stream.moveTo({ ...POINT, sequence: 0 }),
      RangeError,
    );
  },
);

Deno.test(
  "HealableStream.fence() is taken directly after one entry alone, and refuses an answer that tells another place",
  { permissions: "none" },
  async () => {
    const healable = healableStream({ first_seq: 1, last_seq: 3 });
    const { stream, fences } = healable;
    await stream.fence(POINT, 3);
    assert.equal(healable.told, 1);
    await assert.rejects(
      stream.fence(POINT, 2),
      /fence as entry 3, and says 4/,
    );
    // Of two healers, the stream takes the fence of one.
    assert.deepEqual(fences, ["USERGRADE 3", "USERGRADE 2"]);
  },
);
