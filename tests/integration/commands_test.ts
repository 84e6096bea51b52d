import assert from "node:assert/strict";
import { runBackup } from "../../src/cli/backup_command.ts";
import { CommandError } from "../../src/cli/command_error.ts";
import { runImport } from "../../src/cli/import_command.ts";
import { backupOf, storageOf } from "../support/backup_bytes.ts";
import { makeCertificates } from "../support/certificates.ts";
import { PASSWORD, USER } from "../support/credentials.ts";
import { runTask } from "../support/run_task.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const HEADER = "user_id,postpaid_limit,spp,shipping_fee,return_fee\n";

const NAME = /^usergrades-\d{8}T\d{6}Z-\d+\.csv\.gz$/;

/** A grade of a user. */
function grade(user_id: string) {
  return { user_id, postpaid_limit: 1, spp: 2, shipping_fee: 3, return_fee: 4 };
}

const LOGIN = { user: USER, password: PASSWORD };

const NO_METER = { update: () => {}, end: () => {} };

/** Runs the import command in this process, which takes a fifth as long. */
function importHere(
  sources: readonly string[],
  target: string,
  login: { user: string; password: string | undefined } = LOGIN,
): Promise<void> {
  const command = { sources, target, isReplacing: false, login };
  return runImport(command, NO_METER, () => {});
}

/** The same for the backup command. */
function backupHere(file: string, source: string): Promise<void> {
  return runBackup({ file, source, login: LOGIN }, NO_METER, () => {});
}

/** Checks that a command fails as one does, and says why. */
async function assertFails(
  running: Promise<void>,
  ...says: RegExp[]
): Promise<void> {
  await assert.rejects(running, (error: Error) => {
    assert.ok(error instanceof CommandError, String(error));
    for (const text of says) assert.match(error.message, text);
    assert.ok(!error.message.includes(PASSWORD));
    return true;
  });
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** A server that answers everything with a file that breaks off. */
function serveBroken() {
  return Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {}, onError },
    () =>
      new Response(ReadableStream.from((async function* () {
        yield new TextEncoder().encode(`${HEADER}a,1,2,3,4\n`);
        await Promise.resolve();
        throw new Error("broken");
      })())),
  );
}

function onError(): Response {
  return new Response(null, { status: 500 });
}

/** A server that answers everything with some bytes. */
function serveBytes(bytes: Uint8Array<ArrayBuffer>, name: string) {
  return Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () =>
      new Response(bytes, {
        headers: { "content-disposition": `attachment; filename="${name}"` },
      }),
  );
}

Deno.test("deno task import sends files, standard input and another service's backup, from the folder where it is run", async () => {
  using folder = new TemporaryFolder();
  await using from = await ServiceProcess.start({
    dataDir: `${folder.path}/from`,
  });
  await using to = await ServiceProcess.start({ dataDir: `${folder.path}/to` });
  const here = `${folder.path}/here`;
  Deno.mkdirSync(here);
  Deno.writeFileSync(
    `${here}/a.csv.gz`,
    await backupOf(storageOf([grade("a"), grade("b")])),
  );
  Deno.writeTextFileSync(`${here}/b.csv`, `${HEADER}c,1,2,3,4\n`);
  const first = await runTask(
    here,
    ["import", "a.csv.gz", "-", "b.csv", "--to", from.url("set")],
    { input: `${HEADER}d,1,2,3,4\n` },
  );
  assert.equal(first.code, 0, first.text);
  assert.match(
    first.text,
    /^a\.csv\.gz: 2 rows imported, up to sequence \d+\nstandard input: 1 rows? .*\nb\.csv: 1 rows? .*\n$/,
  );
  assert.equal((await from.statusJson()).users, 4);
  const another = await to.set({ user_id: "e" });
  assert.equal(another.status, 200, await another.text());
  const second = await runTask(here, [
    "import",
    `${from.url("set")}/backup`,
    "--replace",
    "--to",
    to.url("set"),
  ]);
  assert.equal(second.code, 0, second.text);
  assert.ok(second.text.startsWith(
    `${
      from.url("set")
    }/backup: 4 rows imported and 1 users who are not in it deleted, up to `,
  ));
  const [one, other] = [await from.statusJson(), await to.statusJson()];
  assert.equal(one.digest, other.digest);
});

Deno.test("deno task import says what is wrong, what to do, and which files are left out", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: `${folder.path}/data`,
  });
  const set = service.url("set");
  Deno.writeTextFileSync(`${folder.path}/good.csv`, `${HEADER}a,1,2,3,4\n`);
  Deno.writeTextFileSync(`${folder.path}/bad.csv`, "nonsense\n");
  const path = (name: string) => `${folder.path}/${name}`;
  const good = path("good.csv");
  const closed = "http://127.0.0.1:2";
  const failures: [sources: string[], target: string, says: RegExp][] = [
    [[good, path("more.csv")], set, /^Cannot read \S+more\.csv: No such file/],
    [[good, folder.path], set, /^Cannot read \S+: it is a folder/],
    [
      [good],
      set.replace("//", "//x:y@"),
      /: 401 The user or the password is wrong/,
    ],
    [[good], service.url("get"), /^Cannot import .*: 404/],
    [
      [good],
      closed,
      /^Cannot reach http:\/\/127\.0\.0\.1:2\/import: .*Connection refused/,
    ],
    [[good], "127.0.0.1:8080", /must begin with http:/],
    [[good], "http://a%zz:b@x", /write %25 for %/],
  ];
  for (const [sources, target, says] of failures) {
    await assertFails(importHere(sources, target), says);
  }
  const secret = { AUTH_PASSWORD: "" };
  const file = { ...secret, AUTH_PASSWORD_FILE: "nope" };
  const runs: [
    args: string[],
    env: Record<string, string>,
    code: number,
    text: RegExp,
  ][] = [
    [
      ["bad.csv", "good.csv"],
      {},
      1,
      /^Cannot import bad\.csv to .*: 400 .*\nNot imported: good\.csv\n$/,
    ],
    [["good.csv"], secret, 1, /no password is set\. Set AUTH_PASSWORD or/],
    [["good.csv"], file, 2, /AUTH_PASSWORD_FILE names a file that can't be/],
    [[], {}, 2, /needs a FILE/],
  ];
  for (const [args, env, code, text] of runs) {
    const ended = await runTask(
      folder.path,
      ["import", ...args, "--to", set],
      { env },
    );
    assert.equal(ended.code, code, ended.text);
    assert.match(ended.text, text);
    assert.ok(!ended.text.includes(PASSWORD));
    assert.doesNotMatch(ended.text, /^ +at /m);
  }
  assert.equal((await service.statusJson()).users, 0);
});

Deno.test("deno task backup writes a verified file for its owner alone, and no other is lost for it", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: `${folder.path}/data`,
  });
  const here = `${folder.path}/here`;
  Deno.mkdirSync(`${here}/sub`, { recursive: true });
  await (await service.set(grade("a"))).body?.cancel();
  const from = ["--from", service.url("set")];
  const run = (...args: string[]) =>
    runTask(here, ["backup", ...args, ...from]);

  for (const args of [[], ["sub"], ["mine.gz"]]) {
    const ended = await run(...args);
    assert.equal(ended.code, 0, ended.text);
    assert.match(ended.text, /: 1 rows?, as of sequence 1\n$/);
  }
  const [mine, sub, made] = names(here);
  assert.deepEqual([mine, sub], ["mine.gz", "sub"]);
  assert.match(made, NAME);
  assert.match(names(`${here}/sub`)[0], NAME);
  // It holds every user grade.
  assert.equal(Deno.statSync(`${here}/mine.gz`).mode! & 0o777, 0o600);
  const before = Deno.readFileSync(`${here}/mine.gz`);
  const again = await run("mine.gz");
  assert.equal(again.code, 1);
  assert.match(again.text, /^Cannot write mine\.gz: it exists already/);
  assert.deepEqual(Deno.readFileSync(`${here}/mine.gz`), before);

  const { code, stdout } = await run("-");
  assert.equal(code, 0);
  const csv = await new Response(
    new Blob([stdout as BlobPart]).stream().pipeThrough(
      new DecompressionStream("gzip"),
    ),
  ).text();
  assert.equal(csv, `${HEADER}a,1,2,3,4\n`.replaceAll("\n", "\r\n"));
  assert.equal(names(here).length, 3);
});

Deno.test("a backup leaves nothing of a file that is damaged or not what it says", async () => {
  using folder = new TemporaryFolder();
  const whole = storageOf([grade("a"), grade("b")]);
  const good = await backupOf(whole);
  const flipped = good.slice();
  flipped[flipped.length - 6] ^= 1;
  const cases: [Uint8Array<ArrayBuffer>, string, RegExp][] = [
    [good.slice(0, -20), "a.csv.gz", /damaged|cut short/],
    [flipped, "a.csv.gz", /damaged|cut short/],
    [await backupOf(whole, { rows: 3 }), "a.csv.gz", /has 2 rows and says 3/],
    [
      await backupOf(whole, { digest: "0".repeat(16) }),
      "a.csv.gz",
      /its rows have the digest [0-9a-f]{16} and it says 0{16}/,
    ],
    [good, "../a.csv.gz", /gives no file name/],
    [new TextEncoder().encode(HEADER), "a.csv.gz", /not gzip/],
  ];
  for (const [bytes, name, text] of cases) {
    const server = serveBytes(bytes, name);
    const url = `http://127.0.0.1:${server.addr.port}`;
    await assertFails(backupHere(folder.path, url), text);
    await server.shutdown();
    assert.deepEqual(names(folder.path), []);
  }
});

Deno.test("neither command sends the password through a proxy", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: `${folder.path}/data`,
  });
  Deno.writeTextFileSync(`${folder.path}/a.csv`, `${HEADER}a,1,2,3,4\n`);
  let asked = 0;
  await using proxy = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen: () => {},
  }, () => {
    asked++;
    return new Response(null, { status: 502 });
  });
  const env: Record<string, string> = {};
  for (const name of ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]) {
    env[name] = `http://127.0.0.1:${proxy.addr.port}`;
  }
  const { host } = new URL(service.url("set"));
  const url = `http://${USER}:${encodeURIComponent(PASSWORD)}@${host}`;
  for (
    const args of [
      ["import", "a.csv", "--to", url],
      ["backup", "--from", url],
      ["import", `${url}/backup`, "--to", service.url("set")],
    ]
  ) {
    const ended = await runTask(folder.path, args, { env });
    assert.equal(ended.code, 0, ended.text);
  }
  assert.equal(asked, 0);
});

Deno.test("deno task import names the source if that breaks off, and not the service", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: `${folder.path}/data`,
  });
  await using source = serveBroken();
  const url = `http://127.0.0.1:${source.addr.port}/backup`;
  const to = ["--to", service.url("set")];
  const { code, text } = await runTask(folder.path, ["import", url, ...to]);
  assert.equal(code, 1);
  assert.ok(text.startsWith(`Cannot read ${url} to its end: `), text);
  assert.match(text, /Importing again is harmless\n$/);
  assert.ok(!text.includes(service.url("set")), text);
});

Deno.test("both commands say where only one side speaks TLS", async () => {
  using folder = new TemporaryFolder();
  const { cert, key } = await makeCertificates(folder.path, "server");
  await using plain = await ServiceProcess.start({
    dataDir: `${folder.path}/plain`,
  });
  await using secure = ServiceProcess.spawn({
    dataDir: `${folder.path}/secure`,
    env: { TLS_CERT_FILE: cert, TLS_KEY_FILE: key },
  });
  await secure.line(({ state }) => state === "ready");
  Deno.writeTextFileSync(`${folder.path}/a.csv`, `${HEADER}a,1,2,3,4\n`);
  const cases: [url: string, says: RegExp][] = [
    [
      plain.url("set").replace("http:", "https:"),
      /it does not speak TLS\. Write http:\/\//,
    ],
    [
      secure.url("set").replace("https:", "http:"),
      /does not answer in HTTP\. If it speaks TLS, write https:\/\//,
    ],
  ];
  for (const [url, says] of cases) {
    const cannotReach = new RegExp(`^Cannot reach ${url}/`);
    const attempts = [
      () => importHere([`${folder.path}/a.csv`], url),
      () => importHere([`${url}/backup`], plain.url("set")),
      () => backupHere(folder.path, url),
    ];
    for (const attempt of attempts) {
      await assertFails(attempt(), cannotReach, says);
    }
  }
});
