import assert from "node:assert/strict";
import fc from "fast-check";
import Papa from "papaparse";
import { BackupError } from "../../../src/snapshot/format/backup_error.ts";
import {
  type CsvDialect,
  CsvReader,
  IMPORT_ROWS_MAX,
} from "../../../src/snapshot/format/csv_reader.ts";
import {
  formatRows,
  HEADER_LINE,
} from "../../../src/snapshot/format/csv_writer.ts";
import { integerFromText } from "../../../src/integer_text.ts";
import { NUMBER_FIELDS } from "../../../src/user_grade.ts";
import { grades, ids } from "../../support/grades.ts";
import { fromBlock, toBlock } from "../../support/model.ts";

const permissions = "none";
const encoder = new TextEncoder();
const HEADER = "user_id,postpaid_limit,spp,shipping_fee,return_fee";
const COLUMNS = ["user_id", ...NUMBER_FIELDS];

/** A row as it was read: numbers that are not given are left out. */
type Row = Record<string, string | number>;

/** What was read, up to the end or the first error. */
interface Read {
  rows: Row[];
  lines: number[];
  error: BackupError | undefined;
}

function readAll(
  text: string | Uint8Array,
  chunkSize = 7,
  dialect: CsvDialect = "any",
): Read {
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  const reader = new CsvReader(dialect);
  const read: Read = { rows: [], lines: [], error: undefined };
  const take = (block: ReturnType<CsvReader["take"]>) => {
    read.lines.push(...block.lines);
    for (const grade of fromBlock(block)) {
      read.rows.push(Object.fromEntries(
        Object.entries(grade).filter(([, value]) => !Number.isNaN(value)),
      ));
    }
  };
  try {
    for (let at = 0; at < bytes.length; at += chunkSize) {
      for (const block of reader.read(bytes.slice(at, at + chunkSize))) {
        take(block);
      }
    }
    for (const block of reader.finish()) take(block);
  } catch (error) {
    assert.ok(error instanceof BackupError, `${error}`);
    read.error = error;
  }
  take(reader.take());
  return read;
}

/** The rows of a file that is valid. */
function rowsOf(text: string | Uint8Array, chunkSize?: number): Row[] {
  const { rows, error } = readAll(text, chunkSize);
  assert.equal(error, undefined);
  return rows;
}

function fileOf(head: Uint8Array, rows: Uint8Array): Uint8Array {
  return Uint8Array.from([...head, ...rows]);
}

Deno.test({
  name: "CsvReader reads what formatRows() wrote, in chunks of any size",
  permissions,
  fn: () => {
    fc.assert(fc.property(
      grades,
      fc.integer({ min: 1, max: 100 }),
      (values, chunkSize) => {
        const file = fileOf(HEADER_LINE, formatRows(toBlock(values)));
        for (const dialect of ["backup", "any"] as const) {
          const { rows, lines, error } = readAll(file, chunkSize, dialect);
          assert.equal(error, undefined);
          assert.deepEqual(rows, values);
          assert.deepEqual(lines, values.map((_, i) => i + 2));
        }
      },
    ));
  },
});

/** Numbers as programs write them. */
const spelled = (n: number): fc.Arbitrary<string> =>
  fc.constantFrom(
    String(n),
    `${n}.0`,
    `${n}.000`,
    `${n}e0`,
    `${n}.0E+00`,
    n === 0 ? "0e5" : `${n}00e-2`,
    "",
  );

/** A file as some program writes it, and what it says. */
const anyFiles = fc.record({
  columns: fc.tuple(
    fc.shuffledSubarray(COLUMNS, { minLength: 2 })
      .filter((columns) => columns.includes("user_id")),
    fc.array(fc.nat(COLUMNS.length), { maxLength: 3 }),
  ).map(([columns, unnamed]) => {
    for (const at of unnamed) columns = columns.toSpliced(at, 0, "");
    return columns;
  }),
  blankFirst: fc.array(fc.constantFrom("", ",", ";;;", "\t\t", '"",""'), {
    maxLength: 3,
  }),
  separator: fc.constantFrom(",", ";", "\t"),
  newline: fc.constantFrom("\n", "\r\n"),
  quotes: fc.boolean(),
  mark: fc.boolean(),
  upper: fc.boolean(),
  endless: fc.boolean(),
  rows: fc.array(
    fc.record({
      id: ids,
      cells: fc.tuple(
        ...NUMBER_FIELDS.map(() =>
          fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -20, max: 20 }))
            .chain(spelled)
        ),
      ),
      blankBefore: fc.constantFrom("", "", "", "blank", "separators"),
    }),
    { maxLength: 12 },
  ),
});

Deno.test({
  name:
    "CsvReader reads any dialect that a CSV library writes, as the library reads it",
  permissions,
  fn: () => {
    fc.assert(
      fc.property(anyFiles, fc.integer({ min: 1, max: 90 }), (file, chunk) => {
        const { columns, separator, newline, quotes } = file;
        const names = columns.map((name) =>
          file.upper ? name.toUpperCase() : name
        );
        const records = file.rows.map(({ id, cells }) =>
          columns.map((name) =>
            name === "user_id" ? id : cells[COLUMNS.indexOf(name) - 1] ?? ""
          )
        );
        const unparse = (record: string[]) =>
          Papa.unparse([record], { delimiter: separator, quotes });
        const lines = [unparse(names)];
        for (const [i, record] of records.entries()) {
          const { blankBefore } = file.rows[i];
          if (blankBefore === "blank") lines.push("");
          if (blankBefore === "separators") {
            lines.push(separator.repeat(columns.length + 1));
          }
          lines.push(unparse(record));
        }
        const text = (file.mark ? "\ufeff" : "") +
          [...file.blankFirst, ...lines].join(newline) +
          (file.endless ? "" : newline);
        const { data }: { data: string[][] } = Papa.parse(
          lines.join(newline),
          {
            delimiter: separator,
            newline,
          },
        );
        const expected = data.slice(1).filter((record) =>
          record.some((field) => field !== "")
        ).map((record) =>
          Object.fromEntries(
            columns.flatMap((name, i): [string, string | number][] =>
              name === "user_id"
                ? [[name, record[i]]]
                : record[i] === ""
                ? []
                : [[name, integerFromText(record[i])!]]
            ),
          )
        );
        assert.equal(expected.length, records.length);
        assert.deepEqual(rowsOf(text, chunk), expected);
      }),
      { numRuns: 1_000 },
    );
  },
});

Deno.test({
  name: "CsvReader reads files as everyday programs write them",
  permissions,
  fn: () => {
    const ann = [{ user_id: "ann", spp: 2 }];
    const cases: [text: string, rows: Row[]][] = [
      ["user_id,spp\nann,2\n", ann],
      ["USER_ID;Spp\r\nann;2\r\n", ann],
      ['"user_id"\t"spp"\n"ann"\t"2"\n', ann],
      ["spp,user_id\n2,ann\n", ann],
      ["spp,user_id\r\n2,ann\r\n", ann],
      ["\ufeffuser_id,spp\nann,2", ann],
      ['\ufeff"user_id","spp"\nann,2', ann],
      ["user_id,spp\n\n,\r\n,,,,,\nann,2\n\n\n", ann],
      ["\n\r\n,,,,\nuser_id,spp\nann,2\n", ann],
      ["\ufeff;;\r\nuser_id;spp\r\nann;2\r\n", ann],
      ["\n\ufeffuser_id,spp\nann,2\n", ann],
      ["user_id,spp,,\nann,2,,\n", ann],
      ['"user_id","spp",""\n"ann","2",""\n', ann],
      [",user_id,,spp\n,ann,,2\n", ann],
      // Excel, behind its sixteenth row.
      ["user_id,spp,,\r\nann,2,,\r\nann,2\r\n", [...ann, ...ann]],
      ["user_id,spp\nann,2\nuser_id,spp\n", ann],
      ["user_id,spp\nann,2\n\ufeffuser_id,spp\nann,2\n", [...ann, ...ann]],
      ["user_id,spp,return_fee\nann,2,\n", ann],
      ['user_id,spp,return_fee\nann,2,""\n', ann],
      ["user_id,spp\nann,\n", [{ user_id: "ann" }]],
      ["user_id,spp\nann,2.000\n", ann],
      ["user_id,spp\nann,20e-1\n", ann],
      ["user_id,spp\nann,-0.00\n", [{ user_id: "ann", spp: 0 }]],
      ["user_id,spp\nann,-0\n", [{ user_id: "ann", spp: 0 }]],
      ["user_id,spp\nann,1e+05\n", [{ user_id: "ann", spp: 100_000 }]],
      ['user_id,spp\n"a ""n"",",2\n', [{ user_id: 'a "n",', spp: 2 }]],
      ["user_id,spp\n\ufeffann,2\n", [{ user_id: "\ufeffann", spp: 2 }]],
      ["user_id,spp\n\ufeff,2\n", [{ user_id: "\ufeff", spp: 2 }]],
      ["user_id,spp\n ann ,2\n", [{ user_id: " ann ", spp: 2 }]],
      ["user_id;spp\na,b;2\n", [{ user_id: "a,b", spp: 2 }]],
      [HEADER, []],
    ];
    for (const [text, rows] of cases) {
      for (const chunkSize of [1, 3, 1000]) {
        assert.deepEqual(rowsOf(text, chunkSize), rows, JSON.stringify(text));
      }
    }
  },
});

Deno.test({
  name:
    "CsvReader names the line of the first row that is not valid, shows it, says why, and gives the rows before it",
  permissions,
  fn: () => {
    const cases: [line: string, says: RegExp][] = [
      ["a,1,2,3", /: it has 4 fields, and the header 5\. /],
      ["a,1,2,3,4,5", /: it has 6 fields, and the header 5\. /],
      ["a", /it has 1 fields/],
      [",1,2,3,4", /user_id is empty/],
      ['"",1,2,3,4', /user_id is empty/],
      [`${"x".repeat(257)},1,2,3,4`, /longer than 256 bytes.*"x{80}"…$/],
      ['a"b,1,2,3,4', /a field holds a quote and is not quoted/],
      ['"a"b,1,2,3,4', /goes on behind its closing quote/],
      ['"a,1,2,3,4', /a quote is not closed on its line/],
      ['"a\nb",1,2,3,4', /a quote is not closed on its line/],
      ["a\u0001,1,2,3,4", /a control character.*begins "a\\u0001,1,2,3,4"$/],
      ["a\u007f,1,2,3,4", /control character.*begins "a\\u007f,1,2,3,4"$/],
      ["a\rb,1,2,3,4", /a line break/],
      ["a\tb,1,2,3,4", /control character/],
      ["a,x,2,3,4", /postpaid_limit must be an integer .* and is "x"\. /],
      ["a,1,2,1.5,4", /shipping_fee must be an integer .* and is "1\.5"/],
      ["a,1,2,3,+4", /return_fee .* is "\+4"/],
      ["a,1,2,3,4.", /return_fee .* is "4\."/],
      ["a,1,2,3,-", /return_fee .* is "-"/],
      ["a,1,2,3,007", /return_fee .* is "007"/],
      ["a,1,2,3,1e-400", /return_fee .* is "1e-400"/],
      ["a,1,2,3,9007199254740992", /return_fee .* is "9007199254740992"/],
      ["a,1,2,3,-9007199254740993", /return_fee/],
      ["a,1,2,3,9007199254740990.5", /return_fee/],
      ["a,1,2,3,0.99999999999999999999", /return_fee/],
      ["a,1,2,3,00000000000000001", /return_fee/],
      ["a,1,2,3,99999999999999999999", /return_fee/],
      ['a,1,2,3,"4', /a quote is not closed/],
      ["a,1,2,3,- 4", /return_fee/],
      ["a, 1,2,3,4", /postpaid_limit .* is " 1"/],
      ["a,1 ,2,3,4", /postpaid_limit .* is "1 "/],
      ["a,null,2,3,4", /postpaid_limit .* is "null"/],
      ["y".repeat(5000), /longer than 4096 bytes.*"y{80}"…$/],
      ["a;1;2;3;4", /it has 1 fields/],
    ];
    for (const [line, says] of cases) {
      for (const end of ["\r\n", "\n", ""]) {
        for (const chunkSize of [1, 7, 10_000]) {
          const { rows, error } = readAll(
            `${HEADER}\r\nok,1,2,3,4\r\n${line}${end}`,
            chunkSize,
          );
          assert.equal(rows.length, 1, line);
          assert.match(error!.message, /^Cannot read line 3: .* begins "/);
          assert.match(error!.message, says, line);
        }
      }
    }
    const latin1 = fileOf(
      encoder.encode("user_id,spp\n"),
      Uint8Array.from([0x4d, 0xfc, 0x2c, 0x30, 0x0a]),
    );
    assert.match(
      readAll(latin1).error!.message,
      /line 2: user_id is not UTF-8: save the file as UTF-8\. .*"M\ufffd,0"$/,
    );
  },
});

Deno.test({
  name: "CsvReader says what is wrong with a header, and what to do",
  permissions,
  fn: () => {
    const cases: [text: string, says: RegExp][] = [
      ["", /the header is missing/],
      ["a,1,2,3,4\n", /unknown column "a": the file begins with a header/],
      ["user_id,spp,points\n", /unknown column "points"/],
      ["user_id, spp\n", /unknown column " spp"/],
      [
        "user_id|spp\n",
        /unknown column "user_id\|spp".*comma, semicolon or tab/,
      ],
      ["user_id,spp,SPP\n", /the column spp twice/],
      ["user_id,spp,user_id\n", /the column user_id twice/],
      ["spp,return_fee\n", /no column user_id/],
      ["user_id\n", /no column but user_id: it needs at least one of post/],
      ["user_id,\n", /no column but user_id/],
      [",spp\n", /no column user_id/],
      ['"user_id,spp\n', /in the header a quote is not closed/],
      ["\ufeff\ufeffuser_id,spp\n", /unknown column "\\ufeffuser_id"/],
      ["user_id,spp\rann,2\r", /end with CR alone/],
      ["user_id,sppann,2bob,3", /no line break: .* use --data-binary @FILE/],
      ["grades.csv", /no line break: .* use --data-binary @FILE/],
      ["user_id,spp" + "ann,2".repeat(1e6), /no line break: .*--data-binary/],
      ["points,".repeat(1000) + "user_id\n", /unknown column "points"/],
      [`${"x".repeat(200)},spp\n`, /unknown column "x{80}"…/],
    ];
    for (const [text, says] of cases) {
      for (const chunkSize of [1000, 1e9]) {
        const { rows, error } = readAll(text, chunkSize);
        assert.deepEqual(rows, []);
        assert.match(error!.message, /^Cannot read line 1: /);
        assert.match(error!.message, says, text.slice(0, 100));
      }
    }
  },
});

Deno.test({
  name: "CsvReader counts the blank lines before a header that is wrong",
  permissions,
  fn: () => {
    const cases: [text: string, line: number, says: RegExp][] = [
      ["\n", 2, /the header is missing/],
      ["\r\n", 2, /the header is missing/],
      ["\n,,,", 2, /the header is missing/],
      [",,\n\nuser_id,points\n", 3, /unknown column "points"/],
      ["\nuser_id,spp\nann,x\n", 3, /spp must be an integer/],
    ];
    for (const [text, line, says] of cases) {
      for (const chunkSize of [1, 1000]) {
        const { message } = readAll(text, chunkSize).error!;
        assert.ok(message.startsWith(`Cannot read line ${line}: `), message);
        assert.match(message, says);
      }
    }
  },
});

Deno.test({
  name: "CsvReader names a column that has values and no name",
  permissions,
  fn: () => {
    const cases: [text: string, says: RegExp][] = [
      [",user_id,spp\n0,ann,2\n", /column 1 .* holds "0": .*index=False/],
      ['"","user_id","spp"\n"1","ann",2\n', /column 1 .* holds "1"/],
      ["user_id,spp,,\nann,2,,x y\n", /column 4 .* holds "x y"/],
      ["user_id,spp,,\nann,2,,,\n", /it has 5 fields, and the header 4/],
      ["user_id,spp,,return_fee\nann,2\n", /it has 2 fields/],
    ];
    for (const [text, says] of cases) {
      const { rows, error } = readAll(text);
      assert.deepEqual(rows, []);
      assert.match(error!.message, /^Cannot read line 2: /);
      assert.match(error!.message, says);
    }
  },
});

/** The columns of a header, of which a name may be written in any way. */
const headers = fc.record({
  columns: fc.shuffledSubarray(COLUMNS, { minLength: 2 })
    .filter((columns) => columns.includes("user_id")),
  separator: fc.constantFrom(",", ";", "\t"),
});

Deno.test({
  name:
    "CsvReader skips a second header that says the same, however it is written, and refuses another one",
  permissions,
  fn: () => {
    fc.assert(
      fc.property(
        headers,
        headers,
        fc.boolean(),
        fc.context(),
        (first, other, isSame, context) => {
          const second = isSame ? first : other;
          const file = ({ columns, separator }: typeof first, quote = "") =>
            [
              columns.map((name) => quote + name + quote).join(separator),
              columns.map((name) => name === "user_id" ? "ann" : "2")
                .join(separator),
              "",
            ].join("\n");
          const upper = file(second, '"').replace(
            /^.*/,
            (line) => line.toUpperCase(),
          );
          const text = `${file(first)}\n\ufeff${upper}`;
          context.log(text);
          const { rows, lines, error } = readAll(text);
          if (
            first.separator === second.separator &&
            String(first.columns) === String(second.columns)
          ) {
            assert.equal(error, undefined);
            assert.deepEqual(rows[1], rows[0]);
            assert.deepEqual(lines, [2, 5]);
          } else {
            assert.deepEqual(lines, [2]);
            assert.match(
              error!.message,
              /^Cannot read line 4: it is a second header, .*: import the files one by one/,
            );
          }
        },
      ),
      { numRuns: 1_000 },
    );
  },
});

Deno.test({
  name: "CsvReader takes a row for a second header only if it is no valid row",
  permissions,
  fn: () => {
    const grade = [{ user_id: "user_id" }];
    assert.deepEqual(rowsOf("user_id,spp\nuser_id,\n"), grade);
    assert.deepEqual(rowsOf("spp,user_id,return_fee\n,user_id,\n"), grade);
    const { error } = readAll("user_id,spp\nuser_id,points\n");
    assert.match(error!.message, /line 2: spp must be an integer/);
  },
});

Deno.test({
  name: "CsvReader takes nothing for a backup that formatRows() does not write",
  permissions,
  fn: () => {
    const head = HEADER + "\r\n";
    for (
      const text of [
        HEADER + "\na,1,2,3,4\r\n",
        `\ufeff${head}a,1,2,3,4\r\n`,
        "user_id,spp\r\na,1\r\n",
        head + "a,1,2,3,4.0\r\n",
        head + "a,1,2,3,\r\n",
        head + "a,1,2,3,1e2\r\n",
        head + "a,1,2,3\r\n",
        head + "\r\n",
        "\r\n" + head,
        HEADER + ",\r\n",
        head + head,
        "",
      ]
    ) assert.ok(readAll(text, 7, "backup").error, JSON.stringify(text));
  },
});

Deno.test({
  name: "CsvReader gathers rows over chunks into blocks that are full",
  permissions,
  fn: () => {
    const reader = new CsvReader("any");
    const counts: number[] = [];
    const read = (text: string) => {
      for (const { count } of reader.read(encoder.encode(text))) {
        counts.push(count);
      }
    };
    read("user_id,spp\n");
    for (let i = 0; i < 2.5 * IMPORT_ROWS_MAX; i++) read(`user-${i},${i}\n`);
    assert.deepEqual(counts, [IMPORT_ROWS_MAX, IMPORT_ROWS_MAX]);
    assert.equal(reader.gathered, IMPORT_ROWS_MAX / 2);
    reader.take();
    const long = "x".repeat(250);
    read(Array.from({ length: 2_000 }, (_, i) => `${long}${i},\n`).join(""));
    // Bounded in bytes too.
    assert.ok(counts.slice(2).every((count) => count < 1_000 && count > 400));
  },
});

Deno.test({
  name:
    "CsvReader throws nothing but BackupError on arbitrary bytes, and the same whatever the chunks",
  permissions,
  fn: () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({
        unit: fc.constantFrom(...'a",;\t\r\n-0123456789.e\u00e9\ufeff'),
        maxLength: 60,
      })
        .map((text) => encoder.encode(`user_id,spp\n${text}`)),
      fc.string({
        unit: fc.constantFrom(...'user_idspp,;\t\r\n"'),
        maxLength: 40,
      })
        .map((text) => encoder.encode(text)),
    );
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 50 }), (data, chunkSize) => {
        const whole = readAll(data, 1e9);
        const parts = readAll(data, chunkSize);
        assert.deepEqual(parts.rows, whole.rows);
        assert.deepEqual(parts.lines, whole.lines);
        assert.equal(parts.error?.message, whole.error?.message);
      }),
      { numRuns: 2_000 },
    );
  },
});
