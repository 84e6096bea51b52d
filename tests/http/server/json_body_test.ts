import assert from "node:assert/strict";
import fc from "fast-check";
import { parseJsonBody } from "../../../src/http/server/json_body.ts";
import { HttpError } from "../../../src/http/server/problem.ts";
import { isPatch } from "../../../src/user_grade_schema.ts";
import { anyCharacter } from "../../support/any_character.ts";

const permissions = "none";
const encoder = new TextEncoder();

/** What is read of a body with this number in it. */
function read(number: string): unknown {
  const body = encoder.encode(`{"user_id":"a","spp":${number}}`);
  const value = parseJsonBody(body) as { spp: number };
  return isPatch(value) ? value.spp : "refused";
}

Deno.test(
  "parseJsonBody() judges a number as it is written, not as it would be rounded",
  {
    permissions,
  },
  () => {
    const cases: [number: string, value: number | "refused"][] = [
      ["7", 7],
      ["7.0", 7],
      ["1e2", 100],
      ["1.5E1", 15],
      ["-0.0", 0],
      ["100e-2", 1],
      ["9007199254740991.0", Number.MAX_SAFE_INTEGER],
      ["9007199254740990.5", "refused"],
      ["0.99999999999999999999", "refused"],
      ["-1.0000000000000000001", "refused"],
      ["1e-400", "refused"],
      ["1e400", "refused"],
      ["9007199254740992", "refused"],
      ["9007199254740993", "refused"],
      ["9007199254740991.4", "refused"],
      ["-9007199254740991.00000001", "refused"],
    ];
    for (const [number, value] of cases) {
      assert.equal(read(number), value, number);
    }
  },
);

/** An integer of any size times ten to the power of -20 to 20, as text. */
const decimal = fc.tuple(fc.bigInt(-(10n ** 22n), 10n ** 22n), fc.nat(20))
  .map(([digits, places]) => {
    const text = String(digits < 0n ? -digits : digits).padStart(
      places + 1,
      "0",
    );
    const whole = text.slice(0, text.length - places);
    const fraction = text.slice(text.length - places);
    return {
      text: (digits < 0n ? "-" : "") + whole + (fraction && `.${fraction}`),
      digits,
      places,
    };
  });

Deno.test(
  "parseJsonBody() takes exactly the safe integers among all decimals",
  {
    permissions,
  },
  () => {
    fc.assert(
      fc.property(decimal, ({ text, digits, places }) => {
        const unit = 10n ** BigInt(places);
        const value = Number(digits / unit);
        const taken = digits % unit === 0n && Number.isSafeInteger(value);
        assert.equal(read(text), taken ? value : "refused", text);
      }),
      { numRuns: 2_000 },
    );
  },
);

/** A string that looks like numbers, or a decimal: its text and its value. */
const stringOrDecimal = fc.oneof(
  fc.stringMatching(/^[0-9a-f.:,[ -]{0,12}$/).map((value) => ({
    text: JSON.stringify(value),
    value: value as string | number,
  })),
  decimal.map(({ text, digits, places }) => {
    const unit = 10n ** BigInt(places);
    const value = Number(digits / unit);
    const isTaken = digits % unit === 0n && Number.isSafeInteger(value);
    return { text, value: isTaken ? value : "refused" };
  }),
);

/** What a number counts as: `-0` is 0. */
function taken(value: unknown): unknown {
  if (typeof value !== "number") return value;
  return Number.isSafeInteger(value) ? value + 0 : "refused";
}

const space = fc.constantFrom("", " ", "\n", "\t\r\n  ");

/** The same in an array, an object or alone, with space around it. */
const document = fc.tuple(
  fc.array(fc.tuple(stringOrDecimal, fc.boolean()), { minLength: 1 }),
  space,
  space,
).map(([items, before, after]) => {
  const texts = items.map(([{ text }, isObject]) => {
    const spaced = before + text + after;
    return isObject ? `{"a":${spaced}}` : spaced;
  });
  return {
    text: texts.length === 1 ? texts[0] : `[${texts.join(",")}]`,
    values: items.map(([{ value }]) => value),
  };
});

Deno.test(
  "parseJsonBody() misses no number among strings that look like numbers",
  {
    permissions,
  },
  () => {
    fc.assert(
      fc.property(document, ({ text, values }) => {
        const found = parseJsonBody(encoder.encode(text));
        const all = Array.isArray(found) ? found : [found];
        assert.deepEqual(
          all.map((one) => taken(typeof one === "object" ? one.a : one)),
          values,
          text,
        );
      }),
      { numRuns: 2_000 },
    );
  },
);

Deno.test("parseJsonBody() leaves all but numbers as JSON.parse() has it", {
  permissions,
}, () => {
  const integers = fc.jsonValue({ noUnicodeString: false }).map((value) =>
    JSON.stringify(
      value,
      (_key, one) =>
        typeof one === "number" && !Number.isSafeInteger(one) ? 1 : one,
    )
  );
  fc.assert(fc.property(integers, (json) => {
    // A number with a fraction elsewhere takes the way of exact numbers.
    assert.deepEqual(
      parseJsonBody(encoder.encode(`[${json},1.0]`)),
      JSON.parse(`[${json},1]`),
    );
  }));
  // The last of a repeated key counts, and with its own text.
  assert.deepEqual(parseJsonBody(encoder.encode('{"a":0.5,"a":2.0}')), {
    a: 2,
  });
  assert.deepEqual(parseJsonBody(encoder.encode('{"a":2.0,"a":0.5}')), {
    a: NaN,
  });
  assert.deepEqual(parseJsonBody(encoder.encode('{"a":{"b":0.5},"a":1.0}')), {
    a: 1,
  });
});

Deno.test("parseJsonBody() answers 400 to what is no JSON in UTF-8", {
  permissions,
}, () => {
  for (const body of [[0x22, 0xff, 0x22], [0x7b], [], [0x31, 0x2e]]) {
    assert.throws(() => parseJsonBody(new Uint8Array(body)), (error) => {
      assert.ok(error instanceof HttpError);
      assert.equal(error.status, 400);
      assert.match(error.message, /^The body is not (JSON|UTF-8)/);
      return true;
    });
  }
});

Deno.test(
  "parseJsonBody() reads the bytes that a strict decoder reads, and no others",
  { permissions },
  () => {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    const strict = (bytes: Uint8Array): unknown => {
      try {
        return JSON.parse(decoder.decode(bytes));
      } catch {
        return "refused";
      }
    };
    const read = (bytes: Uint8Array): unknown => {
      try {
        return parseJsonBody(bytes);
      } catch (error) {
        assert.ok(error instanceof HttpError);
        return "refused";
      }
    };
    const piece = fc.oneof(
      fc.string({ unit: anyCharacter }).map((text) => encoder.encode(text)),
      fc.constantFrom("\ufffd", "\ufeff", "\u{10ffff}").map((text) =>
        encoder.encode(text)
      ),
      // Bytes that are not UTF-8, cut and overlong sequences and surrogates.
      fc.constantFrom(
        [0xff],
        [0xc3],
        [0xf0, 0x9f, 0x98],
        [0xc0, 0x80],
        [0xed, 0xa0, 0x80],
      ).map((bytes) => Uint8Array.from(bytes)),
    );
    fc.assert(
      fc.property(fc.boolean(), fc.array(piece, { maxLength: 3 }), (
        hasMark,
        pieces,
      ) => {
        const text = pieces.flatMap((bytes) => [...bytes])
          // Left out: what would end the string.
          .filter((byte) => byte >= 0x20 && byte !== 0x22 && byte !== 0x5c);
        const mark = hasMark ? [0xef, 0xbb, 0xbf] : [];
        const bytes = Uint8Array.from([...mark, 0x22, ...text, 0x22]);
        assert.deepEqual(read(bytes), strict(bytes));
      }),
      { numRuns: 2000 },
    );
  },
);
