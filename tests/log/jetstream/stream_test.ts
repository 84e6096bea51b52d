import assert from "node:assert/strict";
import type { Asking } from "../../../src/log/jetstream/api.ts";
import { Stream } from "../../../src/log/jetstream/stream.ts";
import { newStreamConfig } from "../../../src/log/jetstream/stream_config.ts";

/** A server with one stream, which gets an entry at some question. */
function server(entryAfter: number) {
  const config = newStreamConfig("S", 1, "0123456789abcdef");
  const stream = { config: { ...config, description: "by hand" }, last_seq: 0 };
  let asked = 0;
  const api = {
    ask: (subject: string, argument?: unknown) => {
      if (asked++ === entryAfter) stream.last_seq = 1;
      const { last_seq } = stream;
      if (subject === "STREAM.UPDATE.S") {
        stream.config = argument as typeof stream.config;
      } else assert.equal(subject, "STREAM.INFO.S");
      return Promise.resolve({
        created: "2026-01-01T00:00:00Z",
        config: stream.config,
        state: { first_seq: last_seq, last_seq, bytes: 0 },
      });
    },
  };
  return {
    stream,
    api: api as unknown as Asking,
    get asked() {
      return asked;
    },
  };
}

Deno.test({
  name:
    "Stream.rename() leaves the stream its identity if it gets an entry at any time before it is done",
  permissions: "none",
  fn: async () => {
    const id = "fedcba9876543210";
    for (let entryAfter = 0;; entryAfter++) {
      const fake = server(entryAfter);
      const look = await new Stream(fake.api, "S", () => 1).rename(id);
      const { description } = fake.stream.config;
      assert.equal(look?.config.description, description);
      if (entryAfter >= fake.asked) {
        assert.equal(description, `UserGrade log ${id}`);
        break;
      }
      assert.equal(look?.lastSequence, 1);
      assert.equal(description, "by hand", `an entry at ${entryAfter}`);
    }
  },
});
