import assert from "node:assert/strict";
import {
  answerCall,
  Caller,
  CallError,
  type CallMessage,
  HandedOver,
} from "../../../src/log/thread/calls.ts";

const permissions = "none";

type Calls = {
  double(value: number): number;
  fail(reason: string): Promise<void>;
};

const TABLE: Calls = {
  double: (value) => 2 * value,
  fail: (reason) => Promise.reject(new RangeError(reason)),
};

Deno.test({
  name: "Caller gives each call its own answer, in whatever order they come",
  permissions,
  fn: async () => {
    const sent: CallMessage[] = [];
    const caller = new Caller<Calls>((message) => sent.push(message));
    const calls = [1, 2, 3].map((value) => caller.call("double", value));
    for (const message of sent.reverse()) {
      const [answer] = await answerCall(TABLE, message);
      caller.receive(answer);
    }
    assert.deepEqual(await Promise.all(calls), [2, 4, 6]);
  },
});

Deno.test({
  name:
    "Caller tells what a function threw by its class's name, and ends all calls when the other side is gone",
  permissions,
  fn: async () => {
    const sent: CallMessage[] = [];
    const caller = new Caller<Calls>((message) => sent.push(message));
    const failing = caller.call("fail", "too far");
    const [answer] = await answerCall(TABLE, sent[0]);
    caller.receive(answer);
    await assert.rejects(failing, (error) => {
      assert.ok(error instanceof CallError);
      assert.equal(error.errorName, "RangeError");
      assert.equal(error.message, "too far");
      return true;
    });
    const cut = [caller.call("double", 1), caller.call("fail", "")];
    caller.fail(new Error("it died"));
    for (const call of cut) await assert.rejects(call, /it died/);
    // A call that nobody could answer would never end.
    await assert.rejects(caller.call("double", 1), /it died/);
  },
});

Deno.test({
  name: "answerCall() hands over what a function wants to be handed over",
  permissions,
  fn: async () => {
    const { buffer } = new Uint8Array([1, 2]);
    const table = { take: () => new HandedOver({ buffer }, [buffer]) };
    const sent: CallMessage[] = [];
    const caller = new Caller<typeof table>((message) => sent.push(message));
    const taken = caller.call("take", undefined as never);
    const [answer, transfer] = await answerCall(table, sent[0]);
    assert.deepEqual(transfer, [buffer]);
    caller.receive(answer);
    assert.equal((await taken).buffer, buffer);
  },
});
