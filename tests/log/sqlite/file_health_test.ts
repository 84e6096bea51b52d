import assert from "node:assert/strict";
import { FileHealth } from "../../../src/log/sqlite/file_health.ts";
import { FILE_NAME } from "../../../src/log/sqlite/sqlite_schema.ts";
import { TemporaryFolder } from "../../support/temporary_folder.ts";

/** A folder with both files, and their health. */
function setUp(folder: TemporaryFolder) {
  const file = `${folder.path}/${FILE_NAME}`;
  const wal = `${file}-wal`;
  for (const path of [file, wal]) Deno.writeTextFileSync(path, "x");
  const told: string[] = [];
  const health = new FileHealth(
    folder.path,
    ({ state }) => told.push(state),
  );
  return { file, wal, health, told, [Symbol.dispose]: () => health.close() };
}

Deno.test("FileHealth sees that either file was moved, and that it is back", () => {
  using folder = new TemporaryFolder();
  using files = setUp(folder);
  const { file, wal, health, told } = files;
  assert.equal(health.check(), undefined);
  for (const path of [file, wal]) {
    Deno.renameSync(path, `${path}.away`);
    health.look();
    assert.match(health.problem!, /is no longer the file/);
    // A copy is another file.
    Deno.copyFileSync(`${path}.away`, path);
    assert.match(health.check()!, /is no longer the file/);
    Deno.renameSync(`${path}.away`, path);
    assert.match(health.check()!, /is no longer the file/);
    health.look();
    assert.equal(health.check(), undefined);
  }
  Deno.removeSync(file);
  assert.match(health.check()!, /is no longer the file/);
  assert.deepEqual(told, ["away", "connected", "away", "connected", "away"]);
});

Deno.test("FileHealth waits for as much room as an entry found missing, and leaves nothing behind", () => {
  using folder = new TemporaryFolder();
  using files = setUp(folder);
  const { health, told } = files;
  const names = () => [...Deno.readDirSync(folder.path)].map((one) => one.name);
  const before = names();
  health.full(1_000_000);
  assert.match(health.check()!, /disk of the log is full/);
  // As on a disk without room: no file can be made under this name.
  const probe = `${folder.path}/${FILE_NAME}-probe`;
  Deno.mkdirSync(probe);
  health.look();
  assert.match(health.check()!, /disk of the log is full/);
  health.look();
  assert.equal(health.check(), undefined);
  assert.deepEqual(told, ["away", "connected"]);
  assert.deepEqual(names().sort(), before.sort());
});
