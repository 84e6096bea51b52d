import assert from "node:assert/strict";
import { UnconfirmedError } from "../../../src/errors.ts";
import {
  HealingForbiddenError,
  type HealPoint,
  LogMovedError,
} from "../../../src/log/healable_log.ts";
import {
  answerCall,
  Caller,
  type CallTable,
} from "../../../src/log/thread/calls.ts";
import { HealingClient } from "../../../src/log/thread/healing_client.ts";
import type { LogCalls } from "../../../src/log/thread/messages.ts";

const POINT: HealPoint = { sequence: 5, digest: "0123456789abcdef" };

/** A client whose calls the table answers. */
function clientOf(table: CallTable): HealingClient {
  const caller = new Caller<LogCalls>((message) => {
    answerCall(table, message).then(([answer]) => caller.receive(answer));
  });
  return new HealingClient(caller);
}

Deno.test({
  name:
    "HealingClient passes calls on, and gives errors of the other thread their classes again",
  permissions: "none",
  fn: async () => {
    const called: unknown[] = [];
    const client = clientOf({
      heal_look: () => ({ type: "gone" }),
      heal_remake: () => {
        throw new RangeError("unexpected");
      },
      heal_fence: (argument: unknown) => {
        called.push(argument);
        throw new LogMovedError("entry 4 is the last");
      },
      heal_move: (argument: unknown) => {
        called.push(argument);
        throw new HealingForbiddenError("not allowed");
      },
    });
    assert.deepEqual(await client.look(), { type: "gone" });
    const failing: [Promise<void>, new (text: string) => Error, RegExp][] = [
      [client.remake(), UnconfirmedError, /unexpected/],
      [client.fence(POINT, 3), LogMovedError, /entry 4/],
      [client.moveTo(POINT), HealingForbiddenError, /not allowed/],
    ];
    for (const [call, ErrorClass, words] of failing) {
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof ErrorClass);
        assert.match(error.message, words);
        return true;
      });
    }
    assert.deepEqual(called, [{ point: POINT, after: 3 }, POINT]);
  },
});
