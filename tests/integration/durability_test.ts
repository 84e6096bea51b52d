import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { Change, entryText } from "../../src/log/change.ts";
import { encodeEntry } from "../../src/log/entry_payload.ts";
import { SqliteLog } from "../../src/log/sqlite/sqlite_log.ts";
import { Storage } from "../../src/storage/storage.ts";
import type { UserGrade, UserGradePatch } from "../../src/user_grade.ts";
import { eventually } from "../support/eventually.ts";
import { newSeed, Random } from "../support/random.ts";
import { randomPatch } from "../support/random_patch.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** What one client knows of one user that nobody else sets. */
class OwnUser {
  /** The state after every acknowledged set. */
  readonly acknowledged = new Storage();
  /** A set whose answer never came. */
  unknown: UserGradePatch | undefined;

  constructor(readonly id: string) {}

  /** Sets at random until the service is gone. */
  async setUntilGone(service: ServiceProcess, random: Random): Promise<void> {
    for (;;) {
      const patch = randomPatch(random, this.id);
      this.unknown = patch;
      try {
        const response = await service.set(patch);
        assert.equal(response.status, 200);
        const grade = await response.json();
        assert.deepEqual(grade, this.acknowledged.set(patch));
        this.unknown = undefined;
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        return;
      }
    }
  }

  /** Checks what the service says after it has come back. */
  check(found: UserGrade | undefined): void {
    const known = this.acknowledged.get(this.id);
    try {
      assert.deepEqual(found, known);
    } catch (error) {
      if (this.unknown === undefined) throw error;
      this.acknowledged.set(this.unknown);
      assert.deepEqual(found, this.acknowledged.get(this.id));
    }
    this.unknown = undefined;
  }
}

Deno.test("kill -9 at any moment loses no acknowledged set, and the digest matches the records", async () => {
  const seed = Number(Deno.env.get("USERGRADE_TEST_SEED") ?? newSeed());
  const random = new Random(seed);
  using folder = new TemporaryFolder();
  const users = Array.from({ length: 32 }, (_, i) => new OwnUser(`user ${i}`));
  try {
    for (let round = 0; round < 8; round++) {
      {
        await using service = await ServiceProcess.start({
          dataDir: folder.path,
        });
        const found = new Storage();
        for (const user of users) {
          const response = await service.get(
            `/get?user_id=${encodeURIComponent(user.id)}`,
          );
          const body = await response.json();
          user.check(response.status === 200 ? body : undefined);
          if (response.status === 200) found.set(body);
        }
        const status = await service.statusJson();
        assert.equal(status.digest, found.digest);
        assert.equal(status.users, found.size);
        const clients = users.map((user) => user.setUntilGone(service, random));
        await sleep(random.below(300));
        await service.end("SIGKILL");
        await Promise.all(clients);
      }
      // Killed while it starts, too.
      await using starting = ServiceProcess.spawn({ dataDir: folder.path });
      await sleep(random.below(200));
      await starting.end("SIGKILL");
    }
  } catch (error) {
    console.error(`replay with USERGRADE_TEST_SEED=${seed}`);
    throw error;
  }
});

/** Fills a log with more sets than are replayed at a start for long. */
async function fillLog(
  folder: string,
  { sets, users }: { sets: number; users: number },
): Promise<Storage> {
  const log = new SqliteLog(folder);
  await log.open();
  const storage = new Storage();
  const setsPerEntry = 500;
  for (let i = 0; i < sets; i += setsPerEntry) {
    const patches = Array.from({ length: setsPerEntry }, (_, j) => ({
      user_id: `user-${(i + j) % users}`,
      spp: i + j,
    }));
    for (const patch of patches) storage.set(patch);
    await log.propose(
      i + 1,
      encodeEntry(entryText(patches.map((patch) => Change.set(patch).change))),
    );
  }
  await log.close();
  return storage;
}

function count(folder: string, table: "entries" | "base_rows"): number {
  const db = new DatabaseSync(`${folder}/usergrade.db`);
  const { n } = db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as {
    n: number;
  };
  db.close();
  return n;
}

/** So little that a filled log is snapshot at once. */
const SNAPSHOT_AT_ONCE = { SNAPSHOT_LOG_BYTES: "1000000" };

Deno.test("a long log gets two snapshots, so that its file grows with the users", async () => {
  using folder = new TemporaryFolder();
  const model = await fillLog(folder.path, { sets: 120_000, users: 100 });
  const before = count(folder.path, "entries");
  const start = () =>
    ServiceProcess.start({ dataDir: folder.path, env: SNAPSHOT_AT_ONCE });
  {
    await using service = await start();
    assert.equal((await service.statusJson()).digest, model.digest);
    await service.line(({ message }) => message.includes(" read back from "));
    assert.equal((await service.statusJson()).log.first_sequence, 1);
    const response = await service.set({ user_id: "user-7", spp: -1 });
    assert.equal(response.status, 200);
    await response.body?.cancel();
    model.set({ user_id: "user-7", spp: -1 });
    const made = await service.snapshot();
    assert.equal((await made.json()).sequence, before + 1);
    await service.line(({ message }) => message.startsWith("The log is cut"));
    const status = await service.statusJson();
    assert.equal(status.log.first_sequence, before);
    assert.equal(status.log.applied_sequence, before + 1);
    // The old entries go a little at a time.
    await eventually(async () => {
      assert.ok((await service.statusJson()).log.bytes < 100_000);
    });
    assert.equal((await service.end("SIGTERM")).code, 0);
  }
  assert.equal(count(folder.path, "entries"), 2);
  await using again = await start();
  const status = await again.statusJson();
  assert.equal(status.digest, model.digest);
  assert.equal(status.users, 100);
  assert.equal(status.log.applied_sequence, before + 1);
});

Deno.test("kill -9 while a snapshot is written leaves the old state or the new one, whole", async () => {
  const seed = Number(Deno.env.get("USERGRADE_TEST_SEED") ?? newSeed());
  const random = new Random(seed);
  try {
    for (let round = 0; round < 3; round++) {
      using folder = new TemporaryFolder();
      const model = await fillLog(folder.path, {
        sets: 80_000,
        users: 50_000,
      });
      {
        await using service = await ServiceProcess.start({
          dataDir: folder.path,
          env: SNAPSHOT_AT_ONCE,
        });
        const response = await service.set({ user_id: "one more" });
        await response.body?.cancel();
        model.set({ user_id: "one more" });
        await sleep(random.below(250));
        await service.end("SIGKILL");
      }
      await using again = await ServiceProcess.start({ dataDir: folder.path });
      assert.equal((await again.statusJson()).digest, model.digest);
    }
  } catch (error) {
    console.error(`replay with USERGRADE_TEST_SEED=${seed}`);
    throw error;
  }
});

Deno.test("a second service on the same folder ends at once and says why", async () => {
  using folder = new TemporaryFolder();
  await using first = await ServiceProcess.start({ dataDir: folder.path });
  await using second = ServiceProcess.spawn({ dataDir: folder.path });
  const line = await second.line(({ level }) => level === "FATAL");
  assert.match(line.message, /in use by another process/);
  assert.equal((await second.status).code, 1);
  assert.equal((await first.set({ user_id: "a" })).status, 200);
});

async function breakLog(isLeaving: boolean): Promise<void> {
  using folder = new TemporaryFolder();
  // Files may not grow beyond 200 KiB, and a write that would fails.
  const limit = `trap '' XFSZ; ulimit -f 400; exec "$0" "$@"`;
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    wrapper: ["sh", "-c", limit],
    env: { SHUTDOWN_DELAY_MS: "60000" },
  });
  if (isLeaving) {
    service.signal("SIGTERM");
    await service.line(({ message }) => /SIGTERM: requests/.test(message));
  }
  const model = new Storage();
  let code = 200;
  for (let i = 0; i < 2000 && code === 200; i++) {
    const patch = { user_id: `${i}`.padEnd(200, "x"), spp: i };
    const response = await service.set(patch);
    await response.body?.cancel();
    code = response.status;
    if (code === 200) model.set(patch);
  }
  assert.equal(code, 504);
  assert.equal((await service.status).code, 1);
  const fatal = service.lines.find(({ level }) => level === "FATAL");
  assert.match(fatal!.message, /Cannot write the log/);
  if (isLeaving) return;
  await using again = await ServiceProcess.start({ dataDir: folder.path });
  assert.equal((await again.statusJson()).digest, model.digest);
}

Deno.test("a broken log ends the service with exit status 1 and the set under way with 504, also while it leaves", async () => {
  for (const isLeaving of [false, true]) await breakLog(isLeaving);
});

/** Whether this process may mount a file system of a given size. */
async function canMount(): Promise<boolean> {
  using folder = new TemporaryFolder();
  const mounted = await run("mount", ["-t", "tmpfs", "tmpfs", folder.path]);
  if (mounted) await run("umount", [folder.path]);
  return mounted;
}

async function run(command: string, args: string[]): Promise<boolean> {
  try {
    const child = new Deno.Command(command, { args, stderr: "null" });
    return (await child.output()).success;
  } catch {
    return false;
  }
}

Deno.test({
  name:
    "a full disk refuses sets with 503, loses nothing and goes on when there is room",
  // A disk of a known size needs the right to mount one.
  ignore: !await canMount(),
  fn: async () => {
    using folder = new TemporaryFolder();
    const disk = (options: string) =>
      run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder.path]);
    assert.ok(await disk("size=600k"));
    try {
      const model = new Storage();
      await using service = await ServiceProcess.start({
        dataDir: folder.path,
      });
      let refused: Response | undefined;
      for (let i = 0; i < 5000 && refused === undefined; i++) {
        const patch = { user_id: `${i}`.padEnd(200, "x"), spp: i };
        const response = await service.set(patch);
        if (response.status === 200) {
          model.set(patch);
          await response.body?.cancel();
        } else refused = response;
      }
      assert.equal(refused?.status, 503);
      assert.equal(refused.headers.get("retry-after"), "1");
      const reason = /the disk of the log is full: make room/;
      assert.match((await refused.json()).detail, reason);
      const probe = await fetch(`${service.url("set")}/readyz`);
      assert.equal(probe.status, 503);
      assert.match((await probe.json()).reason, reason);
      await service.untilReady("get");
      assert.equal((await service.statusJson()).digest, model.digest);

      assert.ok(await disk("remount,size=8m"));
      // Without a client's help.
      await service.untilReady("set");
      const again = await service.set({ user_id: "after" });
      assert.equal(again.status, 200);
      await again.body?.cancel();
      model.set({ user_id: "after" });
      await service.end("SIGKILL");
      await using restarted = await ServiceProcess.start({
        dataDir: folder.path,
      });
      assert.equal((await restarted.statusJson()).digest, model.digest);
      await restarted.end("SIGTERM");
    } finally {
      await run("umount", ["-l", folder.path]);
    }
  },
});

Deno.test("a folder that is taken away from a running service stops sets until it is back", async () => {
  using folder = new TemporaryFolder();
  const dataDir = `${folder.path}/data`;
  await using service = await ServiceProcess.start({ dataDir });
  const made = service.lines.find(({ message }) => /is new/.test(message));
  assert.equal(made?.level, "WARN");
  assert.match(made.message, new RegExp(dataDir));
  const set = async (user_id: string) => {
    const response = await service.set({ user_id });
    return [response.status, (await response.json()).detail] as const;
  };
  assert.equal((await set("a"))[0], 200);

  Deno.renameSync(dataDir, `${dataDir}.away`);
  // At once, whether or not it has looked since.
  const [status, detail] = await set("b");
  assert.equal(status, 503);
  assert.match(detail, /usergrade.db is no longer the file that the log is in/);
  const probe = await fetch(`${service.url("set")}/readyz`);
  assert.equal(probe.status, 503);
  assert.equal((await probe.json()).reason, detail.replace(/^.*?: (?=\/)/, ""));
  const backup = await service.backup();
  assert.equal(backup.status, 200);
  await backup.body?.cancel();

  Deno.renameSync(`${dataDir}.away`, dataDir);
  await service.untilReady("set");
  assert.equal((await set("c"))[0], 200);

  // Deleted, and made anew by someone: that is another file.
  Deno.removeSync(dataDir, { recursive: true });
  Deno.mkdirSync(dataDir);
  Deno.writeTextFileSync(`${dataDir}/usergrade.db`, "");
  await service.line(({ level, reason }) =>
    level === "WARN" && /deleted, moved or replaced/.test(String(reason))
  );
  assert.equal((await set("d"))[0], 503);
  await service.untilReady("get");
});

Deno.test("a service whose write-ahead log is deleted takes no more sets", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  Deno.removeSync(`${folder.path}/usergrade.db-wal`);
  await service.line(({ reason }) => /no longer the file/.test(String(reason)));
  assert.equal((await service.set({ user_id: "a" })).status, 503);
});
