import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { LogFailedError } from "../../src/log/log.ts";
import { SqliteLog } from "../../src/log/sqlite/sqlite_log.ts";
import { bootstrap } from "../../src/replica/bootstrap.ts";
import { Replica } from "../../src/replica/replica.ts";
import { fileSource } from "../../src/snapshot/file_source.ts";
import type { SnapshotSource } from "../../src/snapshot/source.ts";
import {
  type NamedStore,
  SnapshotSearch,
} from "../../src/replica/snapshot_search.ts";
import { saveSnapshot } from "../../src/snapshot/store.ts";
import { Storage } from "../../src/storage/storage.ts";
import { backupOf } from "../support/backup_bytes.ts";
import { eventually } from "../support/eventually.ts";
import { snapshotOf } from "../support/snapshots.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const ENTRIES = 6;

/** The embedded log with some entries, each of one user, and a starting replica. */
class Start implements AsyncDisposable {
  readonly folder = new TemporaryFolder();
  log = new SqliteLog(this.folder.path);
  replica = newReplica();
  readonly consumed: [number, string | null][] = [];
  /** The state after each entry, and before the first. */
  readonly states = [new Storage()];
  readonly #stop = new AbortController();

  static async make(): Promise<Start> {
    const start = new Start();
    await start.log.open();
    for (let i = 1; i <= ENTRIES; i++) {
      const payload = new TextEncoder().encode(`[{"user_id":"u${i}"}]`);
      await start.log.propose(i, payload);
      const state = new Storage();
      for (let j = 1; j <= i; j++) state.set({ user_id: `u${j}` });
      start.states.push(state);
    }
    return start;
  }

  /** What a true snapshot at a sequence says of itself. */
  async infoAt(sequence: number) {
    const { id: logId } = await this.reopen();
    const { time } = await this.log.locate(sequence);
    return { logId, sequence, time: time ?? null };
  }

  async save(sequence: number, lies = {}): Promise<string> {
    const info = { ...await this.infoAt(sequence), ...lies };
    using snapshot = snapshotOf(this.states[sequence], info);
    return (await saveSnapshot(snapshot, this.log.snapshots)).id;
  }

  async file(sequence: number, lies = {}): Promise<SnapshotSource> {
    const info = { ...await this.infoAt(sequence), ...lies };
    const path = await Deno.makeTempFile({ dir: this.folder.path });
    await Deno.writeFile(path, await backupOf(this.states[sequence], info));
    return fileSource(`file://${path}`);
  }

  async reopen() {
    await this.log.close();
    this.log = new SqliteLog(this.folder.path);
    return await this.log.open();
  }

  /** Adds a byte to the keys of a stored snapshot. */
  async damage(id: string): Promise<void> {
    await this.log.close();
    const db = new DatabaseSync(`${this.folder.path}/usergrade.db`);
    db.prepare(
      "UPDATE base_rows SET keys = CAST(keys || x'41' AS BLOB) WHERE base = ?",
    )
      .run(id);
    db.close();
    this.log = new SqliteLog(this.folder.path);
    await this.log.open();
  }

  /** The log's own snapshots. */
  get own(): NamedStore {
    return { name: "the embedded log", store: this.log.snapshots };
  }

  async run(
    sources: readonly SnapshotSource[],
    stores: readonly NamedStore[] = [],
    remedy?: string,
  ): Promise<void> {
    const { id, isNew } = await this.reopen();
    const { firstSequence, lastSequence } = await this.log.locate(0);
    const info = { id, isNew, firstSequence, lastSequence };
    const log = {
      locate: (sequence: number) => this.log.locate(sequence),
      consume: (after: number, time: string | null) => {
        this.consumed.push([after, time]);
      },
    };
    const search = new SnapshotSearch(
      // The log was opened anew.
      {
        sources,
        stores: stores.map((one) =>
          one.name === this.own.name ? this.own : one
        ),
      },
      log,
      (progress) => this.replica.noteRestore(progress),
    );
    const { signal } = this.#stop;
    await bootstrap(this.replica, log, info, search, signal, { remedy });
  }

  stop(): void {
    this.#stop.abort(new Error("it is stopped"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log.close();
    this.folder[Symbol.dispose]();
  }
}

function newReplica(): Replica {
  const ports = { propose: () => {}, defer: () => {}, now: () => 0 };
  return new Replica(ports, 1_000);
}

Deno.test("bootstrap() takes the first source that fits and is whole, and nothing of those before", async () => {
  await using start = await Start.make();
  const other = new Storage();
  other.set({ user_id: "of another history" });
  const sources = [
    fileSource(`file://${start.folder.path}/nope`),
    await start.file(5, { logId: "other" }),
    await start.file(5, { time: "2020-01-01T00:00:00Z" }),
    await start.file(5, { sequence: 99 }),
    await start.file(5, { rows: 6 }),
    await start.file(5, { digest: other.digest }),
    await start.file(4),
    await start.file(5),
  ];
  await start.run(sources);
  const { appliedSequence, digest, users } = start.replica;
  assert.deepEqual([appliedSequence, users], [4, 4]);
  assert.equal(digest, start.states[4].digest);
  const { sequence, time } = await start.infoAt(4);
  assert.deepEqual(start.consumed, [[sequence, time]]);
});

Deno.test("bootstrap() asks sources before the log's own snapshots, and the newest of these first", async () => {
  await using start = await Start.make();
  for (const sequence of [2, 5, 3]) await start.save(sequence);
  await start.run([], [start.own]);
  assert.equal(start.replica.appliedSequence, 5);
  start.replica = newReplica();
  await start.run([await start.file(1)], [start.own]);
  assert.equal(start.replica.appliedSequence, 1);
});

Deno.test("bootstrap() takes an older snapshot if the newest is damaged, and else the beginning of the log", async () => {
  await using start = await Start.make();
  const ids = [await start.save(2), await start.save(5)];
  await start.damage(ids[1]);
  await start.run([], [start.own]);
  assert.equal(start.replica.digest, start.states[2].digest);
  start.replica = newReplica();
  await start.damage(ids[0]);
  await start.run([], [start.own]);
  assert.equal(start.replica.appliedSequence, 0);
  assert.deepEqual(start.consumed.at(-1), [0, null]);
});

Deno.test("bootstrap() fails if a log that stands alone has neither its beginning nor a snapshot", async () => {
  await using start = await Start.make();
  const id = await start.save(ENTRIES);
  await start.log.trim(ENTRIES);
  // The newest entry stays, and so does the place of its snapshot.
  await sleep(20);
  await start.run([], [start.own]);
  assert.equal(start.replica.digest, start.states[ENTRIES].digest);
  await start.damage(id);
  start.replica = newReplica();
  await assert.rejects(
    start.run([], [start.own], "put back a copy of DATA_DIR"),
    (error: Error) => {
      assert.ok(error instanceof LogFailedError);
      assert.match(
        error.message,
        /the log begins with entry 6, .* \(the embedded log: damaged\): put back a copy of DATA_DIR/,
      );
      return true;
    },
  );
});

Deno.test("bootstrap() with sources says why it can't start, tries again, and ends when it is stopped", async () => {
  await using start = await Start.make();
  await start.log.trim(ENTRIES);
  await sleep(20);
  const nothing = fileSource(`file://${start.folder.path}/nope`);
  const running = start.run([nothing]);
  await eventually(() =>
    assert.match(
      start.replica.reason,
      /log begins with entry 6, and no snapshot can be had .*nope: unreachable.* PEERS; next try in 1 s/,
    )
  );
  start.stop();
  await assert.rejects(running, { name: "AbortError" });
});

Deno.test("bootstrap() looks for a state beyond the log's end where the log can be made whole from it, and nowhere else", async () => {
  const info = { id: "log", isNew: false, firstSequence: 1, lastSequence: 2 };
  const fence = { sequence: 5, digest: "0123456789abcdef", at: 3, time: "t3" };
  const log = {
    locate: (sequence: number) =>
      Promise.resolve({
        firstSequence: 1,
        lastSequence: 2,
        time: `t${sequence}`,
      }),
    consume: () => {},
  };
  const end = { sequence: 2, time: "t2", fence };
  for (const [heals, wanted] of [[true, end], [false, undefined]] as const) {
    const ends: unknown[] = [];
    const search: Pick<SnapshotSearch, "run"> = {
      run: ({ end }) => {
        ends.push(end);
        return Promise.resolve({ type: "nothing", account: "" });
      },
    };
    await bootstrap(
      newReplica(),
      log,
      { ...info, fence },
      search,
      new AbortController().signal,
      { heals },
    );
    assert.deepEqual(ends, [wanted]);
  }
});
