import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  type Announcement,
  ANNOUNCEMENT_BYTES_MAX,
  encodeAnnouncement,
  InvalidAnnouncementError,
  parseAnnouncement,
} from "../../src/cluster/announcement.ts";
import { announcement, digestOf } from "./announcements.ts";

const encode = (value: unknown) =>
  new TextEncoder().encode(JSON.stringify(value));

Deno.test(
  "an announcement comes back as it was, whatever its reason, within its bound",
  {
    permissions: "none",
  },
  () => {
    fc.assert(fc.property(
      fc.string({ unit: "binary", maxLength: 400 }),
      fc.nat(),
      (reason, at) => {
        const sent = announcement("a".repeat(64), {
          reason,
          applied_sequence: at,
          restore: { rows: at, percent: 99 },
          checkpoints: Array.from({ length: 8 }, () => [at, digestOf("b")]),
        });
        const bytes = encodeAnnouncement(sent);
        assert.ok(bytes.length <= ANNOUNCEMENT_BYTES_MAX);
        assert.deepEqual(parseAnnouncement(sent.replica_id, bytes), {
          ...sent,
          // A cut may leave half a character, which is no text.
          reason: new TextDecoder().decode(
            new TextEncoder().encode(reason.slice(0, 200)),
          ),
        });
      },
    ));
  },
);

Deno.test("parseAnnouncement() lets fields of a later version pass", {
  permissions: "none",
}, () => {
  const sent = announcement("a");
  const later = encode({ ...sent, state: "resting", more: { x: 1 } });
  assert.deepEqual(parseAnnouncement("a", later), {
    ...sent,
    state: "resting",
  });
});

Deno.test("parseAnnouncement() refuses what no replica sends", {
  permissions: "none",
}, () => {
  const wrong: Partial<Record<keyof Announcement, unknown>>[] = [
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
    ...wrong.map((fields) => encode({ ...announcement("a"), ...fields })),
    encode(null),
    encode([]),
    new Uint8Array(0),
    new Uint8Array([0xff, 0xfe]),
    encode({ ...announcement("a"), more: "x".repeat(ANNOUNCEMENT_BYTES_MAX) }),
  ];
  for (const bytes of all) {
    assert.throws(
      () => parseAnnouncement("a", bytes),
      InvalidAnnouncementError,
      new TextDecoder().decode(bytes),
    );
  }
});

Deno.test("parseAnnouncement() refuses any bytes without another error", {
  permissions: "none",
}, () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
    assert.throws(
      () => parseAnnouncement("a", bytes),
      InvalidAnnouncementError,
    );
  }));
});
