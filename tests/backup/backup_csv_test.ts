import assert from "node:assert/strict";
import fc from "fast-check";
import Papa from "papaparse";
import {
  BackupError,
  CsvReader,
  formatRows,
} from "../../src/backup/backup_csv.ts";
import type { RowBatch } from "../../src/storage/row_batch.ts";
import { NUMBER_FIELDS, type UserGrade } from "../../src/user_grade.ts";
import { fromBatch, toBatch } from "../support/model.ts";

const permissions = "none";
const encoder = new TextEncoder();
const HEADER = "user_id,postpaid_limit,spp,shipping_fee,return_fee";

const grades: fc.Arbitrary<UserGrade[]> = fc.array(
  fc.record({
    user_id: fc.oneof(
      fc.string({ unit: "binary", minLength: 1, maxLength: 60 }),
      fc.string({
        minLength: 1,
        maxLength: 6,
        unit: fc.constantFrom(..."\",#= ;'a\u00e9😀"),
      }),
    ).filter((id) =>
      // deno-lint-ignore no-control-regex -- ids may not hold them
      !/[\u0000-\u001f\u007f]/.test(id) && encoder.encode(id).length <= 256
    ),
    postpaid_limit: fc.maxSafeInteger().map((n) => n + 0),
    spp: fc.constantFrom(0, 9, 10, -10, 2 ** 53 - 1, 1 - 2 ** 53, 10 ** 15),
    shipping_fee: fc.integer(),
    return_fee: fc.nat(),
  }, { noNullPrototype: true }),
  { maxLength: 30 },
);

function readAll(text: string | Uint8Array, chunkSize = 7): UserGrade[] {
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  const reader = new CsvReader();
  const batches: RowBatch[] = [];
  for (let at = 0; at < bytes.length; at += chunkSize) {
    batches.push(reader.read(bytes.slice(at, at + chunkSize)));
  }
  batches.push(reader.finish());
  return batches.flatMap(fromBatch);
}

Deno.test({
  name:
    "formatRows() writes what a CSV library reads back, and would write but for a leading #",
  permissions,
  fn: () => {
    fc.assert(fc.property(grades, (values) => {
      const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(
        formatRows(toBatch(values)),
      );
      const { data, errors } = Papa.parse<string[]>(text, {
        skipEmptyLines: true,
        delimiter: ",",
      });
      assert.deepEqual(errors, []);
      assert.deepEqual(
        data,
        values.map((grade) => [
          grade.user_id,
          ...NUMBER_FIELDS.map((field) => String(grade[field])),
        ]),
      );
      assert.ok(text === "" || text.endsWith("\r\n"));
    }));
  },
});

Deno.test({
  name:
    "CsvReader reads what formatRows() or a CSV library wrote, in chunks of any size",
  permissions,
  fn: () => {
    fc.assert(fc.property(
      grades,
      fc.integer({ min: 1, max: 100 }),
      fc.boolean(),
      fc.boolean(),
      (values, chunkSize, quotes, lf) => {
        const rows = values.map((grade) => [
          grade.user_id,
          ...NUMBER_FIELDS.map((field) => grade[field]),
        ]);
        const newline = lf ? "\n" : "\r\n";
        const byLibrary = Papa.unparse([HEADER.split(","), ...rows], {
          newline,
          quotes: [quotes, quotes, quotes, quotes, quotes],
          header: false,
        }).replace(/^.*/, HEADER);
        assert.deepEqual(readAll(byLibrary, chunkSize), values);
        const ours = formatRows(toBatch(values));
        const head = encoder.encode(HEADER + newline);
        const whole = new Uint8Array(head.length + ours.length);
        whole.set(head);
        whole.set(ours, head.length);
        assert.deepEqual(readAll(whole, chunkSize), values);
      },
    ));
  },
});

Deno.test({
  name: "CsvReader names the line of the first row that is not valid",
  permissions,
  fn: () => {
    const cases: [line: string, says: RegExp][] = [
      ["a,1,2,3", /less than five fields/],
      ["a,1,2,3,4,5", /more than five fields/],
      ["a", /less than five fields/],
      ["", /less than five fields/],
      [",1,2,3,4", /user_id is empty/],
      ['"",1,2,3,4', /user_id is empty/],
      [`${"x".repeat(257)},1,2,3,4`, /longer than 256 bytes/],
      ['a"b,1,2,3,4', /holds a quote/],
      ['"a"b,1,2,3,4', /not followed by a comma/],
      ["a\u0001,1,2,3,4", /control character/],
      ["a\u007f,1,2,3,4", /control character/],
      ["a,x,2,3,4", /postpaid_limit is not a safe integer/],
      ["a,1,,3,4", /spp is not a safe integer/],
      ["a,1,2,1.5,4", /shipping_fee is not an integer/],
      ["a,1,2,3,1e5", /return_fee is not an integer/],
      ["a,1,2,3,+4", /return_fee is not a safe integer/],
      ["a,1,2,3,9007199254740992", /return_fee is not a safe integer/],
      ["a,1,2,3,-9007199254740993", /return_fee is not a safe integer/],
      ["a,1,2,3,00000000000000001", /return_fee is not a safe integer/],
      ['a,1,2,3,"4', /return_fee has no closing quote/],
      ["a,1,2,3,- 4", /return_fee is not a safe integer/],
      ["a, 1,2,3,4", /postpaid_limit is not a safe integer/],
      ["y".repeat(2000), /longer than any row/],
    ];
    for (const [line, says] of cases) {
      for (const end of ["\r\n", "\n", ""]) {
        assert.throws(
          () => readAll(`${HEADER}\r\nok,1,2,3,4\r\n${line}${end || "\n"}`),
          (error) => {
            assert.ok(error instanceof BackupError, `${error}`);
            assert.match(error.message, /^Cannot read line 3: /);
            assert.match(error.message, says, line);
            return true;
          },
        );
      }
    }
    assert.throws(
      () =>
        readAll(
          new Uint8Array([
            ...encoder.encode(HEADER + "\n"),
            0xff,
            0x2c,
            0x30,
            0x2c,
            0x30,
            0x2c,
            0x30,
            0x2c,
            0x30,
            0x0a,
          ]),
        ),
      /line 2: user_id is not UTF-8/,
    );
  },
});

Deno.test({
  name: "CsvReader asks for the header, and takes one with a byte order mark",
  permissions,
  fn: () => {
    for (const text of ["", "a,1,2,3,4\n", HEADER.toUpperCase() + "\n", "\n"]) {
      assert.throws(
        () => readAll(text),
        /^BackupError: Cannot read line 1: the header/,
      );
    }
    assert.deepEqual(readAll(HEADER), []);
    assert.equal(readAll(`\ufeff${HEADER}\na,1,2,3,-0`)[0].user_id, "a");
  },
});

Deno.test({
  name: "CsvReader throws nothing but BackupError on arbitrary bytes",
  permissions,
  fn: () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: fc.constantFrom(...'a",\r\n-0123456789\u00e9') })
        .map((text) => encoder.encode(`${HEADER}\n${text}`)),
    );
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 50 }), (data, chunkSize) => {
        try {
          readAll(data, chunkSize);
        } catch (error) {
          assert.ok(error instanceof BackupError);
        }
      }),
      { numRuns: 2000 },
    );
  },
});
