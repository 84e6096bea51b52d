import assert from "node:assert/strict";
import { ErrorCode, NatsError } from "nats";
import {
  describe,
  isRefusal,
  UnusableConnectionError,
} from "../../../src/log/jetstream/connection.ts";

const permissions = "none";

Deno.test({
  name: "isRefusal() is true of what a server has against this replica",
  permissions,
  fn: () => {
    for (
      const code of [
        ErrorCode.AuthorizationViolation,
        ErrorCode.AuthenticationExpired,
        ErrorCode.AuthenticationTimeout,
        ErrorCode.AccountExpired,
        ErrorCode.BadAuthentication,
        ErrorCode.BadCreds,
        ErrorCode.Tls,
      ]
    ) assert.ok(isRefusal(new NatsError("no", code)), code);
    assert.ok(isRefusal(new UnusableConnectionError("no file")));
    assert.ok(isRefusal(new Error("invalid peer certificate: UnknownIssuer")));
  },
});

Deno.test({
  name: "isRefusal() is false where no server answers, or one goes away",
  permissions,
  fn: () => {
    for (
      const code of [
        ErrorCode.ConnectionRefused,
        ErrorCode.ConnectionTimeout,
        ErrorCode.Timeout,
        ErrorCode.Disconnect,
      ]
    ) assert.ok(!isRefusal(new NatsError("no", code)), code);
    assert.ok(!isRefusal(Object.assign(new Error(), { code: "ECONNRESET" })));
    assert.ok(!isRefusal(undefined));
  },
});

Deno.test({
  name:
    "describe() says what to do about a message that NATS is set not to take",
  permissions,
  fn: () => {
    const error = new NatsError("MAX_PAYLOAD_EXCEEDED", "MAX_PAYLOAD_EXCEEDED");
    assert.match(describe(error), /max_payload .* set it to 1048576 or more/);
  },
});
