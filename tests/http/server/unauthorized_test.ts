import { configureSync } from "@logtape/logtape";
import assert from "node:assert/strict";
import { Unauthorized } from "../../../src/http/server/unauthorized.ts";

Deno.test({
  name: "Unauthorized.tick() writes one line a minute while many are refused",
  permissions: "none",
  fn: () => {
    const lines: Record<string, unknown>[] = [];
    configureSync({
      sinks: { list: ({ properties }) => lines.push(properties) },
      loggers: [{ category: "usergrade", sinks: ["list"] }],
      reset: true,
    });
    const refused = new Unauthorized(0);
    /** Refuses some in each of some minutes; the lines that come. */
    const during = (from: number, minutes: number, wrong: number) => {
      for (let second = 0; second < 60 * minutes; second++) {
        if (second % 60 === 7) {
          refused.wrong += wrong;
          refused.missing += 2;
        }
        refused.tick(1000 * (60 * from + second + 1));
      }
      return lines.splice(0).map(({ wrong, missing }) => [wrong, missing]);
    };
    assert.deepEqual(during(0, 2, 27), []);
    assert.deepEqual(during(2, 3, 28), [[28, 2], [28, 2], [28, 2]]);
    assert.deepEqual(during(5, 2, 0), []);
    assert.deepEqual([refused.wrong, refused.missing], [138, 14]);
  },
});
