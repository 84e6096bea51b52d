import assert from "node:assert/strict";
import type { Asking } from "../../../src/log/jetstream/api.ts";
import { HealableStream } from "../../../src/log/jetstream/heal_stream.ts";
import { EntryFeed } from "../../../src/log/jetstream/entry_feed.ts";
import { KnownLog } from "../../../src/log/jetstream/known_log.ts";
import { Proposals } from "../../../src/log/jetstream/proposals.ts";
import { Stream } from "../../../src/log/jetstream/stream.ts";
import { ownSubjects } from "../../../src/log/jetstream/stream_config.ts";
import { LOOK } from "./session_driver.ts";

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
