import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  encodeHeartbeat,
  type Heartbeat,
  HEARTBEAT_BYTES_MAX,
  InvalidHeartbeatError,
  parseHeartbeat,
} from "../../src/cluster/heartbeat.ts";
import { digestOf, heartbeat } from "./heartbeats.ts";
import { anyCharacter } from "../support/any_character.ts";

const encode = (value: unknown) =>
  new TextEncoder().encode(JSON.stringify(value));

Deno.test(
  "a heartbeat comes back as it was, whatever its reason, within its bound",
  {
    permissions: "none",
  },
  () => {
    fc.assert(fc.property(
      fc.string({ unit: anyCharacter, maxLength: 400 }),
      fc.nat(),
      (reason, at) => {
        const sent = heartbeat("a".repeat(64), {
          reason,
          applied_sequence: at,
          restore: { rows: at, percent: 99 },
          checkpoints: Array.from({ length: 8 }, () => [at, digestOf("b")]),
          heals: at,
          healed_to: at % 2 === 0 ? null : at,
          asks: true,
        });
        const bytes = encodeHeartbeat(sent);
        assert.ok(bytes.length <= HEARTBEAT_BYTES_MAX);
        assert.deepEqual(parseHeartbeat(sent.replica_id, bytes), {
          ...sent,
          // A cut may leave half a character, which UTF-8 replaces.
          reason: new TextDecoder().decode(
            new TextEncoder().encode(reason.slice(0, 200)),
          ),
        });
      },
    ));
  },
);

Deno.test("parseHeartbeat() accepts fields of a later version", {
  permissions: "none",
}, () => {
  const sent = heartbeat("a");
  const later = encode({ ...sent, state: "resting", more: { x: 1 } });
  assert.deepEqual(parseHeartbeat("a", later), {
    ...sent,
    state: "resting",
  });
});

Deno.test("parseHeartbeat() refuses what no replica sends", {
  permissions: "none",
}, () => {
  const wrong: Partial<Record<keyof Heartbeat, unknown>>[] = [
    { replica_id: "b" },
    { session: "x" },
    { state: "<b>" },
    { reason: "x".repeat(201) },
    { log_id: 7 },
    { applied_sequence: -1 },
    { applied_sequence: 1.5 },
    { users: 2 ** 60 },
    { digest: "A".repeat(16) },
    { restore: { rows: 1, percent: 101 } },
    { checkpoints: Array.from({ length: 9 }, () => [1, digestOf("a")]) },
    { checkpoints: [[1]] },
  ];
  const all = [
    ...wrong.map((fields) => encode({ ...heartbeat("a"), ...fields })),
    encode(null),
    encode([]),
    new Uint8Array(0),
    new Uint8Array([0xff, 0xfe]),
    encode({ ...heartbeat("a"), more: "x".repeat(HEARTBEAT_BYTES_MAX) }),
  ];
  for (const bytes of all) {
    assert.throws(
      () => parseHeartbeat("a", bytes),
      InvalidHeartbeatError,
      new TextDecoder().decode(bytes),
    );
  }
});

Deno.test("parseHeartbeat() refuses random bytes with its own error", {
  permissions: "none",
}, () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
    assert.throws(
      () => parseHeartbeat("a", bytes),
      InvalidHeartbeatError,
    );
  }));
});
