import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeFence,
  encodeFence,
  fenceRole,
  isPending,
} from "../../src/log/fence.ts";

const permissions = "none";

const DIGEST = "0123456789abcdef";

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

Deno.test({
  name: "decodeFence() gives what encodeFence() was given",
  permissions,
  fn: () => {
    const point = fc.record({
      sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      digest: fc.stringMatching(/^[0-9a-f]{16}$/),
    });
    fc.assert(fc.property(point, (one) => {
      assert.deepEqual(decodeFence(bytes(encodeFence(one))), { ...one });
    }));
    assert.equal(
      encodeFence({ sequence: 120, digest: DIGEST }),
      `{"healed_to":120,"digest":"${DIGEST}"}`,
    );
  },
});

Deno.test({
  name: "decodeFence() takes nothing else for a fence",
  permissions,
  fn: () => {
    const right = { healed_to: 5, digest: DIGEST };
    for (
      const value of [
        null,
        [right],
        "5",
        {},
        { healed_to: 5 },
        { digest: DIGEST },
        { ...right, user_id: "a" },
        ...[0, -1, 1.5, 2 ** 53, "5", null].map((healed_to) => ({
          ...right,
          healed_to,
        })),
        ...["", DIGEST.slice(1), `${DIGEST}0`, DIGEST.toUpperCase(), 7].map(
          (digest) => ({ ...right, digest }),
        ),
      ]
    ) {
      const text = JSON.stringify(value);
      assert.equal(decodeFence(bytes(text)), undefined, text);
    }
    const text = JSON.stringify(right);
    assert.equal(decodeFence(bytes(text.slice(1))), undefined);
    assert.equal(decodeFence(new Uint8Array([0xff])), undefined);
    assert.ok(decodeFence(bytes(text + " ".repeat(200))));
    assert.equal(decodeFence(bytes(text + " ".repeat(1_000))), undefined);
    fc.assert(fc.property(fc.uint8Array(), (noise) => {
      assert.equal(decodeFence(noise), undefined);
    }));
  },
});

Deno.test({
  name:
    "a fence is pending up to its heal point, and the mark is directly after it",
  permissions,
  fn: () => {
    const point = { sequence: 5, digest: DIGEST };
    const roles = [1, 5, 6, 7].map((at) => fenceRole(at, point));
    assert.deepEqual(roles, ["pending", "pending", "mark", undefined]);
    assert.ok(isPending({ ...point, at: 5, time: "t" }));
    assert.ok(!isPending({ ...point, at: 6, time: "t" }));
  },
});
