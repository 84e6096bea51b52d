import assert from "node:assert/strict";
import { ApiError, type Asking } from "../../../src/log/jetstream/api.ts";
import { Stream } from "../../../src/log/jetstream/stream.ts";
import { newStreamConfig } from "../../../src/log/jetstream/stream_config.ts";
import { NO_ENTRIES } from "../../../src/log/jetstream/stream_look.ts";

/** A stream whose server answers so, as nats-server 2.15.1 was seen to. */
function streamThatSays(cluster: { leader?: string } | undefined): Stream {
  const ask = (subject: string) => {
    assert.equal(subject, "STREAM.INFO.USERGRADE");
    return Promise.resolve({
      created: "2026-11-26T00:00:00Z",
      config: newStreamConfig("USERGRADE", 3, "8f14e45fceea167a"),
      state: { first_seq: 1, last_seq: 19, bytes: 100 },
      ...(cluster !== undefined && { cluster }),
    });
  };
  const api: Asking = { ask, request: ask };
  return new Stream(api, "USERGRADE", () => 1024 * 1024);
}

Deno.test("a stream that no server leads says nothing of its end", async () => {
  for (const cluster of [{}, { leader: "" }]) {
    const stream = streamThatSays(cluster);
    await assert.rejects(
      stream.look(NO_ENTRIES),
      (error) =>
        error instanceof ApiError && /has no leader/.test(error.message),
    );
    await assert.rejects(stream.locate(0), ApiError);
  }
});

Deno.test("a stream that a server leads, or that is on one server, does", async () => {
  for (const cluster of [{ leader: "n0" }, undefined]) {
    const look = await streamThatSays(cluster).look(NO_ENTRIES);
    assert.equal(look?.lastSequence, 19);
  }
});
