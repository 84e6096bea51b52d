import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { FileStore } from "../../src/snapshot/file_store.ts";
import { FolderPlace } from "../../src/snapshot/folder_place.ts";
import {
  saveSnapshot,
  SnapshotsForbiddenError,
  SnapshotStoreError,
} from "../../src/snapshot/store.ts";
import { Storage } from "../../src/storage/storage.ts";
import { gzipHeaderBytes } from "../support/backup_bytes.ts";
import { SmallDisk } from "../support/small_disk.ts";
import { restoreAll, snapshotOf } from "../support/snapshots.ts";
import { ROOT } from "../support/start_command.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { TextLineStream } from "../support/text_lines.ts";

const { signal: never } = new AbortController();

function filled(users: number): Storage {
  const storage = new Storage();
  for (let i = 0; i < users; i++) storage.set({ user_id: `user-${i}`, spp: i });
  return storage;
}

/** Ids that gzip can't make small. */
function incompressible(users: number): Storage {
  const storage = new Storage();
  for (let i = 0; i < users; i++) {
    storage.set({
      user_id: crypto.getRandomValues(new Uint8Array(60)).toBase64(),
    });
  }
  return storage;
}

function storeIn(folder: string, now = Date.now): FileStore {
  return new FileStore("the folder", new FolderPlace(folder), { now });
}

async function save(store: FileStore, storage: Storage, sequence = 1) {
  using snapshot = snapshotOf(storage, { sequence });
  return await saveSnapshot(snapshot, store);
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test("FolderPlace lists nothing where there is no folder, and makes it to write", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/a/b`;
  const store = storeIn(path);
  assert.deepEqual(await store.list(), []);
  await save(store, filled(3));
  assert.equal((await store.list()).length, 1);
});

/** What a process that is not the owner of everything lists in a folder. */
async function listWithoutPrivilege(folder: string): Promise<string[]> {
  const script = `
    import { FolderPlace } from "file://${ROOT}src/snapshot/folder_place.ts";
    const files = await new FolderPlace(${JSON.stringify(folder)}).list();
    for (const { id } of files) console.log(id);`;
  const deno = [
    Deno.execPath(),
    "run",
    `--config=${ROOT}deno.json`,
    "--no-check",
    "--cached-only",
    "--allow-read",
    `data:text/javascript,${encodeURIComponent(script)}`,
  ];
  // The superuser without the right to read everything.
  const rights = "-dac_override,-dac_read_search";
  const [command, ...args] = Deno.uid() === 0
    ? [
      "setpriv",
      `--bounding-set=${rights}`,
      `--inh-caps=${rights}`,
      ...deno,
    ]
    : deno;
  const { stdout } = await new Deno.Command(command, {
    args,
    env: { NO_COLOR: "1" },
    stderr: "inherit",
  }).output();
  return new TextDecoder().decode(stdout).trim().split("\n");
}

Deno.test("FolderPlace leaves out a file that it may not read, and lists the others", async () => {
  using folder = new TemporaryFolder();
  const store = storeIn(folder.path);
  const { id } = await save(store, filled(3));
  const ofAnother = `${folder.path}/usergrades-20260101T000000Z-5.csv.gz`;
  Deno.copyFileSync(`${folder.path}/${id}.unverified`, ofAnother);
  if (Deno.uid() === 0) Deno.chownSync(ofAnother, 1, 1);
  Deno.chmodSync(ofAnother, Deno.uid() === 0 ? 0o600 : 0);
  assert.deepEqual(await listWithoutPrivilege(folder.path), [id]);
});

Deno.test("FolderPlace makes the folder and its files for their owner alone, and leaves the mode of a folder that it finds", async () => {
  using folder = new TemporaryFolder();
  const [made, found] = [`${folder.path}/made`, `${folder.path}/found`];
  Deno.mkdirSync(found);
  Deno.chmodSync(found, 0o755);
  const mode = (path: string) =>
    (Deno.statSync(path).mode! & 0o777).toString(8);
  for (const [path, modeOfFolder] of [[made, "700"], [found, "755"]]) {
    const store = storeIn(path);
    const { id } = await save(store, filled(3));
    assert.equal(mode(path), modeOfFolder);
    assert.equal(mode(`${path}/${id}.unverified`), "600");
    await store.verify(id, never);
    assert.equal(mode(`${path}/${id}`), "600");
  }
});

Deno.test("FolderPlace names files as backups, with .unverified until they are read back", async () => {
  using folder = new TemporaryFolder();
  const now = Date.UTC(2026, 10, 23, 22, 50, 1, 123);
  const store = storeIn(folder.path, () => now);
  const [first, second] = [
    await save(store, filled(3), 120),
    await save(store, filled(3), 120),
  ];
  // Two of one second and sequence are told apart.
  assert.equal(first.id, "usergrades-20261123T225001Z-120.csv.gz");
  assert.equal(second.id, "usergrades-20261123T225002Z-120.csv.gz");
  await store.verify(first.id, never);
  assert.deepEqual(namesIn(folder.path), [
    first.id,
    `${second.id}.unverified`,
  ]);
  assert.equal(
    Deno.statSync(`${folder.path}/${first.id}`).size,
    first.bytes,
  );
  // A process that starts in the same second takes no name of another's.
  const third = await save(storeIn(folder.path, () => now), filled(3), 120);
  assert.equal(third.id, "usergrades-20261123T225003Z-120.csv.gz");
});

Deno.test("FolderPlace lists a file also in the moment in which it is marked", async () => {
  using folder = new TemporaryFolder();
  const place = new FolderPlace(folder.path);
  const store = new FileStore("the folder", place);
  for (let i = 1; i <= 10; i++) {
    const { id } = await save(store, filled(1), i);
    const lists = [place.list(), place.list()];
    await Promise.all([place.markVerified(id), ...lists]);
    for (const files of await Promise.all(lists)) {
      assert.equal(files.length, i);
    }
  }
});

Deno.test("FolderPlace ignores what is not its own, and takes in a backup under its own name", async () => {
  using folder = new TemporaryFolder();
  const store = storeIn(folder.path);
  const { id } = await save(store, filled(3), 7);
  await store.verify(id, never);
  const path = `${folder.path}/${id}`;
  const bytes = Deno.readFileSync(path);
  const write = (name: string, content = bytes) =>
    Deno.writeFileSync(`${folder.path}/${name}`, content);
  write("notes.txt");
  write("backup.csv.gz");
  write(id.replace("-7.", "-8."));
  write(id.replace("-7.", "-9."), new Uint8Array(0));
  write(id.replace("-7.", "-10."), bytes.slice(0, 100));
  write(id.replace("-7.", "-11."), new TextEncoder().encode("no gzip"));
  write(".usergrades.swp");
  Deno.mkdirSync(`${folder.path}/${id.replace("-7.", "-12.")}`);
  const before = namesIn(folder.path);
  assert.deepEqual((await store.list()).map(({ id }) => id), [id]);
  for (const other of [id.replace("-7.", "-8."), "../notes.txt", "notes.txt"]) {
    await assert.rejects(store.open(other, never), SnapshotStoreError);
    await assert.rejects(store.verify(other, never), SnapshotStoreError);
  }
  await assert.rejects(store.delete("../notes.txt"), SnapshotStoreError);
  await save(store, filled(3), 1);
  assert.deepEqual(
    namesIn(folder.path).filter((name) => !name.endsWith(".unverified")),
    before,
  );
});

Deno.test("FolderPlace notices that a file was replaced since its header was read", async () => {
  using folder = new TemporaryFolder();
  const store = storeIn(folder.path);
  const { id } = await save(store, filled(3), 7);
  const path = `${folder.path}/${id}.unverified`;
  const bytes = Deno.readFileSync(path);
  assert.equal((await store.list()).length, 1);
  Deno.writeFileSync(path, bytes.slice(0, gzipHeaderBytes(bytes) - 10));
  assert.deepEqual(await store.list(), []);
  Deno.writeFileSync(path, bytes);
  assert.equal((await store.list()).length, 1);
});

Deno.test("FolderPlace reads headers alone to list, and each once", async () => {
  using folder = new TemporaryFolder();
  const store = storeIn(folder.path);
  const ids = [];
  for (let i = 1; i <= 3; i++) ids.push((await save(store, filled(3), i)).id);
  const open = Deno.open;
  const opened: string[] = [];
  Deno.open = (path, options) => {
    opened.push(String(path));
    return open(path, options);
  };
  try {
    const again = storeIn(folder.path);
    for (let i = 0; i < 3; i++) {
      assert.deepEqual((await again.list()).map(({ id }) => id).sort(), ids);
    }
    assert.equal(opened.length, 3);
  } finally {
    Deno.open = open;
  }
});

Deno.test("FolderPlace sweeps what dead writers left, and leaves what is being written", async () => {
  using folder = new TemporaryFolder();
  const store = storeIn(folder.path);
  const left = ".usergrades-20200101T000000Z-1.csv.gz.partial";
  Deno.writeTextFileSync(`${folder.path}/${left}`, "half");
  const { info, blocks } = snapshotOf(filled(3));
  const [rows] = await Array.fromAsync(blocks);
  const writing = await store.create(info);
  assert.ok(!namesIn(folder.path).includes(left));
  const other = await store.create(info);
  assert.equal(namesIn(folder.path).length, 2);
  await other.abort();
  await writing.write(rows);
  const { id } = await writing.commit();
  assert.deepEqual(namesIn(folder.path), [`${id}.unverified`]);
});

Deno.test("FolderPlace lets files be begun while others are, and sweeps none of them", async () => {
  using folder = new TemporaryFolder();
  const place = new FolderPlace(folder.path);
  const WRITERS = 8;
  const FILES = 32;
  await Promise.all(Array.from({ length: WRITERS }, async (_, writer) => {
    for (let i = 0; i < FILES; i++) {
      const { info } = snapshotOf(filled(0), { sequence: writer * FILES + i });
      const file = await place.create({
        ...info,
        made: "2026-11-23T22:50:01Z",
      });
      await file.commit();
    }
  }));
  assert.equal(namesIn(folder.path).length, WRITERS * FILES);
});

Deno.test("FolderPlace has only whole files, wherever its process was killed", async () => {
  using folder = new TemporaryFolder();
  let partials = 0;
  for (const delay_ms of [0, 20, 60, 150, 300, 500]) {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", "--allow-read", "--allow-write"],
        `${ROOT}tests/support/snapshot_writer.ts`,
        folder.path,
        "60000",
      ],
      cwd: ROOT,
      stdout: "piped",
    }).spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const line of lines) {
      assert.equal(line, "writing");
      break;
    }
    await sleep(delay_ms);
    child.kill("SIGKILL");
    await child.status;
    partials += namesIn(folder.path).filter((name) => name.endsWith(".partial"))
      .length;
    const store = storeIn(folder.path);
    for (const { id } of await store.list()) {
      const { info } = await store.verify(id, never);
      assert.equal(info.rows, 60_000);
    }
    const { id } = await save(store, filled(2), 0);
    assert.equal((await restoreAll(await store.open(id, never))).size, 2);
    assert.ok(namesIn(folder.path).every((name) => !name.endsWith(".partial")));
    await store.delete(id);
  }
  assert.ok(partials > 0, "none was killed while it wrote");
});

Deno.test("FolderPlace says what is wrong with a folder that is taken away, or is none", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/snapshots`;
  const store = storeIn(path);
  const { info, blocks } = snapshotOf(filled(3));
  const [rows] = await Array.fromAsync(blocks);
  const sink = await store.create(info);
  await sink.write(rows);
  Deno.removeSync(path, { recursive: true });
  await assert.rejects(sink.commit(), {
    name: "SnapshotStoreError",
    message: /^Cannot write the snapshot in the folder .*deleted, moved or/,
  });
  await sink.abort();
  // It may be where a disk is mounted: another one must not be filled.
  await assert.rejects(store.create(info), {
    name: "SnapshotStoreError",
    message: /^Cannot begin a snapshot .*unmounted meanwhile: put it back$/,
  });
  assert.throws(() => Deno.statSync(path), Deno.errors.NotFound);
  Deno.writeTextFileSync(path, "a file");
  for (const attempt of [() => store.list(), () => store.create(info)]) {
    await assert.rejects(attempt, {
      name: "SnapshotStoreError",
      message: /it is no folder: set another SNAPSHOT_DIR$/,
    });
  }
});

Deno.test("FolderPlace says which permission of the runtime is missing", async () => {
  using folder = new TemporaryFolder();
  const program = `
    import { FolderPlace } from ${
    JSON.stringify(`file://${ROOT}src/snapshot/folder_place.ts`)
  };
    const info = { made: new Date().toISOString(), logId: "x", sequence: 1, time: null, rows: 0, digest: "0".repeat(16) };
    try {
      await new FolderPlace(${JSON.stringify(folder.path)}).create(info);
    } catch (error) {
      console.log(error.name, error.message);
    }`;
  const path = `${folder.path}/program.ts`;
  Deno.writeTextFileSync(path, program);
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-read", "--config", "deno.json", path],
    cwd: ROOT,
  }).output();
  assert.match(
    new TextDecoder().decode(stdout),
    /^SnapshotsForbiddenError Cannot begin a snapshot in the folder .*: name it in --allow-read and --allow-write$/m,
  );
});

Deno.test({
  name:
    "FolderPlace keeps what it has on a full disk, says so, and goes on when there is room",
  // A disk of a known size needs the right to mount one.
  ignore: !await SmallDisk.isAllowed(),
  fn: async () => {
    await using disk = await SmallDisk.mount("size=200k");
    const store = storeIn(disk.path);
    const small = await save(store, filled(100), 1);
    const large = incompressible(20_000);
    await assert.rejects(save(store, large, 2), {
      name: "SnapshotStoreError",
      message:
        /^Cannot write the snapshot in the folder .*: its disk is full: make room$/,
    });
    assert.deepEqual(namesIn(disk.path), [`${small.id}.unverified`]);
    await store.verify(small.id, never);
    await disk.change("remount,size=8m");
    const { id } = await save(store, large, 2);
    await store.verify(id, never);
    await disk.change("remount,ro");
    // What is there can still be used.
    assert.equal((await store.list()).length, 2);
    const copy = await restoreAll(await store.open(id, never));
    assert.equal(copy.digest, large.digest);
    const attempts = [
      () => save(store, filled(1), 3),
      () => store.delete(id),
    ];
    for (const attempt of attempts) {
      await assert.rejects(attempt, (error: Error) => {
        assert.ok(error instanceof SnapshotsForbiddenError, String(error));
        assert.match(error.message, /Read-only .*or set another SNAPSHOT_DIR$/);
        return true;
      });
    }
  },
});
