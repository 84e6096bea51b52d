import assert from "node:assert/strict";
import fc from "fast-check";
import { integerFromText } from "../src/integer_text.ts";

const permissions = "none";

Deno.test({
  name: "integerFromText() judges a JSON number by its exact value",
  permissions,
  fn: () => {
    const cases: [text: string, value: number | undefined][] = [
      ["0", 0],
      ["-0", 0],
      ["-0.00e7", 0],
      ["0e-99999999999999999999", 0],
      ["7.0", 7],
      ["0.00", 0],
      ["1e+05", 100_000],
      ["1E5", 100_000],
      ["12.5e1", 125],
      ["1200e-2", 12],
      ["-100000000000000000000e-10", -(10 ** 10)],
      ["9007199254740991", 2 ** 53 - 1],
      ["-9007199254740991.000", 1 - 2 ** 53],
      ["9007199254740991e0", 2 ** 53 - 1],
      ["9007199254740992", undefined],
      ["9007199254740993", undefined],
      ["9007199254740990.5", undefined],
      ["0.99999999999999999999", undefined],
      ["1e-400", undefined],
      ["1e400", undefined],
      ["1e99999999999999999999", undefined],
      ["1.5", undefined],
      ["1200e-3", undefined],
    ];
    for (const [text, value] of cases) {
      assert.ok(Object.is(integerFromText(text), value), text);
    }
  },
});

Deno.test({
  name: "integerFromText() takes nothing but a JSON number",
  permissions,
  fn: () => {
    for (
      const text of [
        ...["", " ", " 7", "7 ", "+7", "007", "-", "7.", ".5", "1e", "1e+"],
        ...[
          "0x10",
          "1_000",
          "1,000",
          "7,0",
          "NaN",
          "Infinity",
          "null",
          "\u0667",
        ],
        ...["7\n", "1n", "--1", "1e5.0"],
      ]
    ) assert.equal(integerFromText(text), undefined, JSON.stringify(text));
  },
});

Deno.test({
  name: "integerFromText() gives what exact arithmetic gives",
  permissions,
  fn: () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
        fc.integer({ min: -25, max: 25 }),
        fc.nat(24),
        (digits, exponent, point) => {
          // The text says digits × 10^(exponent - point).
          const [, sign, plain] = /^(-?)(.*)$/.exec(String(digits))!;
          const padded = plain.padStart(point + 1, "0");
          const whole = padded.slice(0, padded.length - point);
          const fraction = point > 0 ? `.${padded.slice(-point)}` : "";
          const text = `${sign}${whole}${fraction}e${exponent}`;
          const power = exponent - point;
          const scale = 10n ** BigInt(Math.abs(power));
          const exact = power >= 0
            ? digits * scale
            : digits % scale === 0n
            ? digits / scale
            : undefined;
          const safe = exact !== undefined &&
            Number.isSafeInteger(Number(exact)) &&
            BigInt(Number(exact)) === exact;
          assert.equal(integerFromText(text), safe ? Number(exact) : undefined);
        },
      ),
      { numRuns: 5_000 },
    );
  },
});
