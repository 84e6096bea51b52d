import assert from "node:assert/strict";
import {
  ApiError,
  type Asking,
  NO_MESSAGE_FOUND,
} from "../../../src/log/jetstream/api.ts";
import { StreamReader } from "../../../src/log/jetstream/stream_reader.ts";
import { newStreamConfig } from "../../../src/log/jetstream/stream_config.ts";
import { NO_ENTRIES } from "../../../src/log/jetstream/stream_look.ts";

/** A stream whose server answers so, as nats-server 2.15.1 was seen to. */
function streamThatSays(
  cluster: { leader?: string } | undefined,
): StreamReader {
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
  return new StreamReader(api, "USERGRADE", () => 1024 * 1024);
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

/** A stream that has the messages 1 to 6, and then what `after` says, and gives none. */
function streamThatMoves(after: { first_seq: number; last_seq: number }) {
  let infos = 0;
  const ask = (subject: string) => {
    if (subject.startsWith("STREAM.MSG.GET.")) {
      return Promise.reject(new ApiError(NO_MESSAGE_FOUND, "no message found"));
    }
    const range = infos++ === 0 ? { first_seq: 1, last_seq: 6 } : after;
    return Promise.resolve({
      created: "2026-11-26T00:00:00Z",
      config: newStreamConfig("USERGRADE", 1, "8f14e45fceea167a"),
      state: { ...range, bytes: 100 },
    });
  };
  return new StreamReader(
    { ask, request: ask },
    "USERGRADE",
    () => 1024 * 1024,
  );
}

Deno.test("a stream that is moved while it is looked at is not judged by answers from before and after", async () => {
  const question = { identify: 6, require: 7, fences: true };
  for (
    const after of [{ first_seq: 7, last_seq: 6 }, {
      first_seq: 1,
      last_seq: 5,
    }]
  ) {
    await assert.rejects(
      streamThatMoves(after).look(question),
      (error) =>
        error instanceof ApiError && /let go of entry 6/.test(error.message),
    );
  }
  // Someone has deleted it by hand.
  const look = await streamThatMoves({ first_seq: 1, last_seq: 6 })
    .look(question);
  assert.deepEqual([look?.lastSequence, look?.identified], [6, undefined]);
});
