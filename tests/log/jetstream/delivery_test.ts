import assert from "node:assert/strict";
import {
  formatDelivered,
  formatTime,
  parseDelivery,
} from "../../../src/log/jetstream/delivery.ts";

const permissions = "none";

Deno.test({
  name: "parseDelivery() reads both forms of the subject, nanoseconds and all",
  permissions,
  fn: () => {
    const expected = {
      sequence: 42,
      seconds: 1_700_000_000,
      nanoseconds: 23_456_789,
      pending: 7,
    };
    const { seconds, nanoseconds } = expected;
    assert.equal(
      formatDelivered(seconds, nanoseconds),
      "2023-11-14T22:13:20.023456789Z",
    );
    for (
      const reply of [
        "$JS.ACK.S.C.1.42.3.1700000000023456789.7",
        "$JS.ACK._.account.S.C.1.42.3.1700000000023456789.7.token",
        "$JS.ACK.hub.account.S.C.1.42.3.1700000000023456789.7",
      ]
    ) assert.deepEqual(parseDelivery(reply), expected);
  },
});

Deno.test({
  name: "formatTime() fills up the decimals that Go leaves out",
  permissions,
  fn: () => {
    assert.equal(
      formatTime("2026-01-01T00:00:00Z"),
      "2026-01-01T00:00:00.000000000Z",
    );
    assert.equal(
      formatTime("2026-01-01T00:00:00.12Z"),
      "2026-01-01T00:00:00.120000000Z",
    );
  },
});
