import assert from "node:assert/strict";
import fc from "fast-check";
import {
  NUMBER_WORDS_MAX,
  numberWords,
  readNumbers,
  widest,
  widthsOf,
  writeNumbers,
} from "../../src/storage/packed_numbers.ts";
import { number } from "./arbitraries.ts";

type Numbers = [number, number, number, number];

const AT = 1;

function read(words: Int32Array, widths: number): number[] {
  const numbers = new Float64Array(6);
  readNumbers(words, AT, widths, numbers, 1);
  assert.deepEqual([numbers[0], numbers[5]], [0, 0]);
  return [...numbers.subarray(1, 5)];
}

/** Safe integers, those at which a width changes among them. */
const anyNumber: fc.Arbitrary<number> = fc.oneof(
  number,
  fc.tuple(fc.integer({ min: 1, max: 52 }), fc.integer({ min: -2, max: 2 }))
    .chain(([bits, by]) => fc.constantFrom(2 ** bits + by, -(2 ** bits) + by)),
).map((value) => value + 0);
const fourNumbers: fc.Arbitrary<Numbers> = fc.tuple(
  anyNumber,
  anyNumber,
  anyNumber,
  anyNumber,
);

function test(sentence: string, fn: () => void): void {
  Deno.test(sentence, { permissions: "none" }, fn);
}

test("readNumbers() reads what writeNumbers() wrote over others, and both leave what is beside them", () => {
  fc.assert(
    fc.property(fourNumbers, fourNumbers, (before, numbers) => {
      const widths = widest(widthsOf(...before), widthsOf(...numbers));
      const count = numberWords(widths);
      assert.ok(count <= NUMBER_WORDS_MAX);
      const words = new Int32Array(count + 2).fill(0x5a5a5a5a);
      for (const written of [before, numbers]) {
        writeNumbers(words, AT, widths, ...written);
        assert.deepEqual(read(words, widths), written);
        assert.equal(words[0], 0x5a5a5a5a);
        assert.equal(words[count + 1], 0x5a5a5a5a);
      }
    }),
    { numRuns: 3000 },
  );
});

test("widthsOf() finds the least bytes that hold each number", () => {
  fc.assert(
    fc.property(anyNumber, fc.nat(3), (value, column) => {
      const numbers: Numbers = [0, 0, 0, 0];
      numbers[column] = value;
      const width = widthsOf(...numbers) >>> 3 * column;
      assert.ok(width < 8);
      const limit = 2n ** BigInt(Math.max(8 * width - 1, 0));
      const less = 2n ** BigInt(Math.max(8 * width - 9, 0));
      const big = BigInt(value);
      if (value === 0) assert.equal(width, 0);
      else assert.ok(big >= -limit && big < limit, `${value}: ${width} bytes`);
      if (width > 1) {
        assert.ok(big < -less || big >= less, `${value}: ${width} bytes`);
      }
    }),
    { numRuns: 3000 },
  );
});
