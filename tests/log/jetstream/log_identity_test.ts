import assert from "node:assert/strict";
import { logIdentity } from "../../../src/log/jetstream/log_identity.ts";
import { newStreamConfig } from "../../../src/log/jetstream/stream_config.ts";

const permissions = "none";

Deno.test({
  name:
    "logIdentity() is what the stream's maker wrote, or its name and time of creation",
  permissions,
  fn: () => {
    const right = newStreamConfig("USERGRADE", 1, "0".repeat(16));
    assert.equal(logIdentity(right, "then"), "0".repeat(16));
    for (const description of [undefined, "", "UserGrade log 00", "mine"]) {
      assert.equal(
        logIdentity(
          { ...right, ...{ description: description ?? "" } },
          "then",
        ),
        "USERGRADE@then",
      );
    }
  },
});
