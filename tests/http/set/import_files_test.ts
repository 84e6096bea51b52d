import assert from "node:assert/strict";
import { NUMBER_FIELDS, type UserGradePatch } from "../../../src/user_grade.ts";
import type { Storage } from "../../../src/storage/storage.ts";
import { backupOf, storageOf } from "../../support/backup_bytes.ts";
import { eventually } from "../../support/eventually.ts";
import { LocalService } from "../../support/local_service.ts";
import type { ProgramName } from "../../support/programs.ts";
import { runProgram } from "../../support/run_program.ts";

const encoder = new TextEncoder();

/** Users as a night's job may change them; a number left out stays. */
const CHANGES: UserGradePatch[] = [
  { user_id: "ann", postpaid_limit: 100_000, spp: 2 },
  { user_id: 'comma, "quote"; semicolon', postpaid_limit: -5 },
  { user_id: "\ufeffmark é 漢字 😀", spp: 0 },
  { user_id: " spaces ", postpaid_limit: 2 ** 53 - 1, spp: -7 },
  { user_id: "#hash" },
  ...Array.from({ length: 3_000 }, (_, i) => ({
    user_id: `user-${i}`,
    postpaid_limit: i,
    spp: -i,
  })),
];

/** What is stored before, so that what a file leaves alone shows. */
const BEFORE = CHANGES.map(({ user_id }, i) => ({
  user_id,
  postpaid_limit: i,
  spp: i + 1,
  shipping_fee: i + 2,
  return_fee: i + 3,
}));

function changed(): Storage {
  const storage = storageOf(BEFORE);
  for (const change of CHANGES) storage.set(change);
  return storage;
}

/** Writes {@linkcode CHANGES} with Python's csv module. */
const PYTHON = `
import csv, io, json, sys
options, columns, encoding, spelling = json.loads(sys.argv[1])
out = io.TextIOWrapper(sys.stdout.buffer, encoding=encoding, newline="")
spell = {"plain": lambda n: n, "float": lambda n: f"{n}.0", "exponent": lambda n: f"{n}e+00"}[spelling]
if "quoting" in options: options["quoting"] = getattr(csv, options["quoting"])
writer = csv.DictWriter(out, columns, restval="", **options)
writer.writerow({name: name for name in columns})
for change in json.load(sys.stdin):
    writer.writerow({k: v if k == "user_id" else spell(v) for k, v in change.items()})
out.flush()`;

function pythonCsv(
  options: Record<string, string>,
  columns = ["user_id", "postpaid_limit", "spp"],
  encoding = "utf-8",
  spelling: "plain" | "float" | "exponent" = "plain",
): Promise<Uint8Array<ArrayBuffer>> {
  const settings = JSON.stringify([options, columns, encoding, spelling]);
  return runProgram(
    "python3",
    ["-c", PYTHON, settings],
    JSON.stringify(CHANGES),
  );
}

/** The same table out of sqlite3, by its own CSV writer. */
function sqliteCsv(...args: string[]): Promise<Uint8Array<ArrayBuffer>> {
  const text = (id: string) => `'${id.replaceAll("'", "''")}'`;
  const values = CHANGES.map((change) =>
    `(${text(change.user_id)},${change.spp ?? "NULL"},${
      change.postpaid_limit ?? "NULL"
    })`
  );
  return runProgram(
    "sqlite3",
    ["-batch", "-csv", "-header", ...args, ":memory:"],
    `CREATE TABLE grades (user_id TEXT, spp INTEGER, postpaid_limit INTEGER);
     INSERT INTO grades VALUES ${values.join(",")};
     SELECT * FROM grades;`,
  );
}

/** What packers pack. */
const EXCEL_CSV = await pythonCsv({ dialect: "excel" });

/** The same by a packer. */
async function packed(name: ProgramName, ...args: string[]) {
  return await runProgram(name, args, EXCEL_CSV);
}

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Two gzip files with a header line each, one after the other, and zeros. */
async function twoFiles(padding: number): Promise<Uint8Array<ArrayBuffer>> {
  const csv = await pythonCsv({ lineterminator: "\n" });
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(csv);
  const [head, ...lines] = text.split(/(?<=\n)/);
  const files = await Promise.all(
    [lines.slice(0, 1_000), lines.slice(1_000)]
      .map((part) => runProgram("gzip", [], head + part.join(""))),
  );
  return joined(...files, new Uint8Array(padding));
}

const REVERSED = ["spp", "postpaid_limit", "user_id"];

/** Files that say the same, by how they were made. */
const FILES: Record<string, () => Promise<Uint8Array<ArrayBuffer>>> = {
  "Python, Excel's dialect": () => pythonCsv({ dialect: "excel" }),
  "Python, tabs": () => pythonCsv({ dialect: "excel-tab" }),
  "Python, Unix's dialect, all in quotes": () => pythonCsv({ dialect: "unix" }),
  "Python, all but numbers in quotes": () =>
    pythonCsv({ quoting: "QUOTE_NONNUMERIC" }, REVERSED),
  "Python, semicolons and a byte order mark, as Excel in Europe": () =>
    pythonCsv({ delimiter: ";" }, undefined, "utf-8-sig"),
  "Python, numbers with a point, as pandas": () =>
    pythonCsv({ lineterminator: "\n" }, REVERSED, "utf-8", "float"),
  "Python, numbers with an exponent, as R": () =>
    pythonCsv({ quoting: "QUOTE_ALL" }, undefined, "utf-8", "exponent"),
  "Python, more columns, empty": () =>
    pythonCsv({}, ["return_fee", "user_id", "postpaid_limit", "spp"]),
  "Python, columns without a name, as Excel": () =>
    pythonCsv({ dialect: "excel" }, [
      "user_id",
      "postpaid_limit",
      "spp",
      "",
      "",
    ]),
  "sqlite3": () => sqliteCsv(),
  "sqlite3, semicolons": () => sqliteCsv("-separator", ";"),
  "gzip": () => packed("gzip"),
  "pigz": () => packed("pigz", "--independent", "--blocksize", "128"),
  "bgzip": () => packed("bgzip", "-c"),
  "cat a.gz b.gz": () => twoFiles(0),
  "cat a.gz b.gz, padded": () => twoFiles(1_000),
};

Deno.test("POST /import takes the files that everyday programs write, and changes only what they give", async () => {
  const service = new LocalService();
  const before = await backupOf(storageOf(BEFORE));
  const { digest } = changed();
  for (const [name, write] of Object.entries(FILES)) {
    const reset = await service.import(before);
    assert.equal(reset.status, 200, await reset.text());
    const file = await write();
    const response = await service.import(file);
    const answer = await response.json();
    assert.equal(response.status, 200, `${name}: ${answer.detail}`);
    assert.equal(answer.rows, CHANGES.length, name);
    assert.equal((await service.statusJson()).digest, digest, name);
  }
});

/** What is said of bytes that no program shows as text. */
const NOT_TEXT = /not a CSV file, .* not text in UTF-8: send a CSV file, plain/;

/** The same, deflated without a gzip header. */
async function deflated(format: "deflate" | "deflate-raw") {
  const csv = new Blob([await pythonCsv({})]).stream();
  return await new Response(csv.pipeThrough(new CompressionStream(format)))
    .bytes();
}

/** Files that are no CSV: how they are made, and what the refusal says. */
const REFUSED: Record<
  string,
  [() => Promise<string | Uint8Array<ArrayBuffer>>, RegExp]
> = {
  "zip": [() => packed("zip", "-q", "-", "-"), /zip archive or a workbook/],
  "xz": [() => packed("xz", "-c"), /it is xz: unpack it/],
  "bzip2": [() => packed("bzip2", "-c"), /it is bzip2: unpack it/],
  "zstd": [() => packed("zstd", "-c"), /it is zstd: unpack it/],
  "gzip in gzip": [
    async () => await runProgram("gzip", ["-c"], await packed("gzip", "-c")),
    /gzip within gzip: unpack it once/,
  ],
  "UTF-16 with a mark": [
    async () =>
      joined(
        Uint8Array.of(0xff, 0xfe),
        await pythonCsv({}, undefined, "utf-16-le"),
      ),
    /it is UTF-16.*save it as UTF-8/,
  ],
  "UTF-16 without a mark": [
    () => pythonCsv({}, undefined, "utf-16-le"),
    /it is UTF-16.*UTF-8/,
  ],
  "a SQLite database": [
    () =>
      runProgram("python3", [
        "-c",
        `import sqlite3, sys
db = sqlite3.connect(":memory:"); db.execute("CREATE TABLE t (a)")
sys.stdout.buffer.write(db.serialize())`,
      ]),
    /it is a SQLite database: export it as CSV/,
  ],
  "tar": [
    () =>
      runProgram("python3", [
        "-c",
        `import io, sys, tarfile
out = tarfile.open(fileobj=sys.stdout.buffer, mode="w|gz")
out.addfile(tarfile.TarInfo("a.csv"), io.BytesIO()); out.close()`,
      ]),
    /it is a tar archive/,
  ],
  "tar without its magic": [
    async () => joined(new Uint8Array(512).with(0, 0x61), await pythonCsv({})),
    NOT_TEXT,
  ],
  "lzma": [() => packed("xz", "--format=lzma", "-c"), NOT_TEXT],
  "zlib": [() => deflated("deflate"), /it is zlib: unpack it/],
  "raw deflate": [() => deflated("deflate-raw"), NOT_TEXT],
  "zstd with a skippable frame first": [
    async () =>
      joined(
        Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 9),
        await packed("zstd", "-c"),
      ),
    /it is zstd: unpack it/,
  ],
  "lzip": [() => Promise.resolve("LZIP\x01\x0c\n"), /it is lzip: unpack it/],
  "PDF": [() => Promise.resolve("%PDF-1.7\n"), /it is a PDF document: export/],
  "PNG": [
    () =>
      Promise.resolve(
        Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
      ),
    /it is a PNG image: send the table itself as CSV/,
  ],
  "JPEG": [
    () => Promise.resolve(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a)),
    NOT_TEXT,
  ],
  "a header in Latin-1": [
    () => Promise.resolve(Uint8Array.of(0x67, 0xfc, 0x2c, 0x61, 0x0a)),
    NOT_TEXT,
  ],
  "JSON": [
    () => Promise.resolve(JSON.stringify(CHANGES)),
    /it is JSON: send it to POST \/set/,
  ],
  "HTML": [() => Promise.resolve("<!doctype html>\n"), /it is HTML or XML/],
  "Parquet": [() => Promise.resolve("PAR1\x15\x04\n"), /it is Parquet/],
  "7z": [
    () =>
      Promise.resolve(Uint8Array.from([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c])),
    /it is a 7z archive/,
  ],
};

Deno.test("POST /import says what a file is that it does not take, and what to do", async () => {
  const service = new LocalService();
  for (const [name, [make, says]] of Object.entries(REFUSED)) {
    const response = await service.import(await make());
    assert.equal(response.status, 400, name);
    const { detail, line, rows_committed } = await response.json();
    assert.match(detail, says, `${name}: ${detail}`);
    assert.deepEqual([line, rows_committed], [1, 0], name);
  }
});

/** A body whose chunks are sent as they are given. */
function body(chunks: AsyncIterable<string> | Iterable<string>) {
  return ReadableStream.from(chunks).pipeThrough(new TextEncoderStream());
}

Deno.test("POST /import makes large entries of a file that comes line by line", async () => {
  const service = new LocalService();
  const lines = Array.from({ length: 5_000 }, (_, i) => `user-${i},${i}\n`);
  const response = await service.import(body(["user_id,spp\n", ...lines]));
  const { rows, log_sequence } = await response.json();
  assert.equal(rows, 5_000);
  // Some more than five, where the machine is slow.
  assert.ok(log_sequence < 100, `${log_sequence} entries`);
});

Deno.test("POST /import stores what has come while the client pauses", async () => {
  const service = new LocalService();
  const paused = Promise.withResolvers<void>();
  const answered = service.import(
    body((async function* () {
      yield "user_id,spp\nann,1\nbob,2\nca";
      await paused.promise;
      yield "t,3\n";
    })()),
  );
  await eventually(async () => {
    assert.equal((await service.statusJson()).users, 2);
  });
  paused.resolve();
  const response = await answered;
  assert.equal((await response.json()).rows, 3);
});

Deno.test("POST /import takes an exact integer only, however it is written", async () => {
  const service = new LocalService();
  for (const number of ["9007199254740990.5", "0.99999999999999999999"]) {
    const response = await service.import(`user_id,spp\nann,${number}\n`);
    assert.equal(response.status, 400);
    assert.match((await response.json()).detail, /spp must be an integer/);
  }
  const response = await service.import(
    encoder.encode(`user_id,${NUMBER_FIELDS}\nann,1e+05,7.0,0.00,-0\n`),
  );
  assert.equal(response.status, 200, await response.text());
  assert.deepEqual(await (await service.get("/get?user_id=ann")).json(), {
    user_id: "ann",
    postpaid_limit: 100_000,
    spp: 7,
    shipping_fee: 0,
    return_fee: 0,
  });
});
