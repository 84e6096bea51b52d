import assert from "node:assert/strict";
import { logFilesBytes } from "../../../src/log/sqlite/log_size.ts";
import { SqliteLog } from "../../../src/log/sqlite/sqlite_log.ts";
import { ROOT } from "../../support/start_command.ts";
import { TemporaryFolder } from "../../support/temporary_folder.ts";

function modeOf(path: string): string {
  return (Deno.statSync(path).mode! & 0o777).toString(8);
}

/** Opens and closes a log. */
async function open(folder: string): Promise<string[]> {
  const warnings: string[] = [];
  const log = new SqliteLog(
    folder,
    undefined,
    undefined,
    (text) => warnings.push(text),
  );
  await log.open();
  await log.propose(1, new TextEncoder().encode('[{"user_id":"a"}]'));
  for (const name of Deno.readDirSync(folder)) {
    warnings.push(`${name.name} ${modeOf(`${folder}/${name.name}`)}`);
  }
  await log.close();
  return warnings.sort();
}

Deno.test("SqliteLog makes its folder and its files for their owner alone", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/a/b`;
  assert.deepEqual(await open(path), [
    "usergrade.db 600",
    "usergrade.db-wal 600",
  ]);
  assert.equal(modeOf(path), "700");
  assert.equal(modeOf(`${folder.path}/a`), "700");
});

Deno.test("logFilesBytes() adds up the files of a log, and is 0 where there is none", async () => {
  using folder = new TemporaryFolder();
  assert.equal(logFilesBytes(folder.path), 0);
  const log = new SqliteLog(folder.path);
  await log.open();
  const sizes = () =>
    ["usergrade.db", "usergrade.db-wal"].map((name) =>
      Deno.statSync(`${folder.path}/${name}`).size
    );
  const [file, wal] = sizes();
  assert.ok(wal > 0);
  assert.equal(logFilesBytes(folder.path), file + wal);
  await log.close();
});

Deno.test("SqliteLog leaves the modes that it finds, and warns of a log that every user may read", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/data`;
  await open(path);
  Deno.chmodSync(`${path}/usergrade.db`, 0o644);
  // Nobody else gets through the folder.
  assert.deepEqual(await open(path), [
    "usergrade.db 644",
    "usergrade.db-wal 644",
  ]);
  Deno.chmodSync(path, 0o755);
  assert.deepEqual(await open(path), [
    `Every user of this machine may read ${path}/usergrade.db: run chmod 700 ${path}`,
    "usergrade.db 644",
    "usergrade.db-wal 644",
  ]);
  assert.equal(modeOf(path), "755");
});

/**
 * Opens logs as a user who owns nothing: this one, unless it may do anything.
 *
 * @param world A folder that everyone may read.
 * @returns What each log says of that.
 */
async function openAsStranger(
  world: string,
  folders: string[],
): Promise<string[]> {
  if (Deno.uid() !== 0) {
    return await Promise.all(
      folders.map((folder) =>
        new SqliteLog(folder).open().then(
          () => "it opened",
          ({ message }) => message,
        )
      ),
    );
  }
  const script =
    `import { SqliteLog } from "file://${ROOT}src/log/sqlite/sqlite_log.ts";
    for (const folder of ${JSON.stringify(folders)}) {
      await new SqliteLog(folder).open().catch(({ message }) => console.log(message));
    }`;
  const cache = `${world}/cache`;
  Deno.mkdirSync(cache);
  Deno.chmodSync(cache, 0o777);
  const { stdout } = await new Deno.Command("setpriv", {
    args: [
      "--reuid=65534",
      "--regid=65534",
      "--clear-groups",
      Deno.execPath(),
      "run",
      "--no-config",
      "--no-check",
      "--allow-read",
      "--allow-write",
      `data:text/javascript,${encodeURIComponent(script)}`,
    ],
    env: { DENO_DIR: cache, NO_COLOR: "1" },
    stderr: "inherit",
  }).output();
  return new TextDecoder().decode(stdout).trim().split("\n");
}

Deno.test("SqliteLog names what belongs to another user, its owner and its mode", async () => {
  using folder = new TemporaryFolder();
  Deno.chmodSync(folder.path, 0o755);
  const modes: [folder: number, file: number, named: "folder" | "file"][] = [
    [0o555, 0o600, "folder"],
    [0o777, 0o400, "file"],
    [0o777, 0o444, "file"],
  ];
  const logs = await Promise.all(modes.map(async ([of, ofFile, kind], i) => {
    const path = `${folder.path}/data${i}`;
    await open(path);
    const file = `${path}/usergrade.db`;
    Deno.chmodSync(file, ofFile);
    Deno.chmodSync(path, of);
    const named = kind === "folder" ? path : file;
    return { path, named, mode: `0${modeOf(named)}` };
  }));
  const paths = logs.map(({ path }) => path);
  const said = await openAsStranger(folder.path, paths);
  for (const path of paths) Deno.chmodSync(path, 0o700);
  for (const [i, { named, mode }] of logs.entries()) {
    assert.ok(
      said[i]?.includes(
        `may not read and write ${named} (owner: user ${Deno.uid()}, mode ${mode})`,
      ),
      said[i],
    );
    assert.match(said[i], /: run the service as its owner, or .* chown -R/);
  }
});

Deno.test("SqliteLog says what is in the place of its folder, or of one above", async () => {
  using folder = new TemporaryFolder();
  const file = `${folder.path}/data`;
  Deno.writeTextFileSync(file, "");
  for (const path of [file, `${file}/a/b`]) {
    await assert.rejects(
      new SqliteLog(path).open(),
      ({ message }: Error) =>
        message.includes(`${file} is no folder: set DATA_DIR to a folder`),
    );
  }
});
