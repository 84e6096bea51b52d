import { configureSync } from "@logtape/logtape";
import assert from "node:assert/strict";
import { Alarms } from "../../src/cluster/alarms.ts";
import { heartbeat } from "./heartbeats.ts";

Deno.test({
  name:
    "each other replica with this one's id is told once, however many there are at a time",
  permissions: "none",
  fn: () => {
    let lines = 0;
    configureSync({
      sinks: { count: () => lines++ },
      loggers: [{ category: "usergrade", sinks: ["count"] }],
      reset: true,
    });
    const session = (digit: string) => digit.repeat(32);
    const alarms = new Alarms({
      replicaId: "a",
      version: "1.0.0",
      session: session("a"),
    });
    for (let beat = 0; beat < 5; beat++) {
      for (const digit of ["a", "b", "c", "d"]) {
        alarms.double(heartbeat("a", { session: session(digit) }));
      }
      alarms.double(
        heartbeat("a", { session: session("e"), state: "draining" }),
      );
    }
    assert.equal(lines, 3);
    // A new life of one of them.
    alarms.double(heartbeat("a", { session: session("f") }));
    assert.equal(lines, 4);
  },
});
