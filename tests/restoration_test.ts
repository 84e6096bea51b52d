import assert from "node:assert/strict";
import { type RestorationPorts, stateToRestore } from "../src/restoration.ts";
import type { LaterState } from "../src/stored_states.ts";
import type { LogInfo } from "../src/log/log.ts";
import { backupOf, storageOf } from "./support/backup_bytes.ts";
import { LOG_ID } from "./support/snapshots.ts";
import { TemporaryFolder } from "./support/temporary_folder.ts";

const STORAGE = storageOf([{
  user_id: "ann",
  postpaid_limit: 1,
  spp: 2,
  shipping_fee: 3,
  return_fee: 4,
}]);

function logAt(lastSequence: number): LogInfo {
  return { id: LOG_ID, isNew: false, firstSequence: 1, lastSequence };
}

/** A file, and the ports that say what else there is. */
class Bench implements Disposable {
  readonly #folder = new TemporaryFolder();
  readonly path = `${this.#folder.path}/backup.csv.gz`;
  found: LogInfo | undefined;
  later: LaterState | undefined;
  readonly said: string[] = [];
  readonly progress: number[] = [];
  readonly stopping = new AbortController();
  /** What happens while it waits: one after the other. */
  readonly waits: (() => Promise<unknown> | void)[] = [];

  run() {
    const ports: RestorationPorts = {
      url: `file://${this.path}`,
      find: () => Promise.resolve(this.found),
      later: () => Promise.resolve(this.later),
      say: (reason) => this.said.push(reason),
      progress: ({ rows }) => this.progress.push(rows),
      sleep: async (_ms, signal) => {
        await this.waits.shift()!();
        signal.throwIfAborted();
      },
    };
    return stateToRestore(ports, this.stopping.signal);
  }

  async write(): Promise<void> {
    Deno.writeFileSync(this.path, await backupOf(STORAGE));
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("stateToRestore() reads the file where the log is absent or empty", async () => {
  for (const found of [undefined, logAt(0)]) {
    using bench = new Bench();
    bench.found = found;
    await bench.write();
    const state = await bench.run();
    assert.equal(state?.storage.digest, STORAGE.digest);
    assert.deepEqual([state?.info.logId, state?.info.sequence], [LOG_ID, 120]);
    assert.deepEqual(bench.said, []);
    assert.equal(bench.progress.at(-1), 1);
  }
});

Deno.test("stateToRestore() needs no file where the log has had entries", async () => {
  using bench = new Bench();
  bench.found = logAt(7);
  assert.equal(await bench.run(), undefined);
  assert.deepEqual(bench.said, []);
});

Deno.test("stateToRestore() says why the file can't be read, and looks again, at the log too", async () => {
  using bench = new Bench();
  bench.waits.push(
    () => Deno.writeTextFile(bench.path, "user_id\nann,1\n"),
    () => bench.write(),
  );
  assert.ok(await bench.run());
  assert.match(bench.said[0], /^file:.*RESTORE_FROM.* there is no such file/);
  assert.match(bench.said[1], /line 1/);
  assert.equal(bench.said.length, 2);

  using other = new Bench();
  other.waits.push(() => void (other.found = logAt(3)));
  assert.equal(await other.run(), undefined);
});

Deno.test("stateToRestore() waits while a store has a later state of the same log, and names both", async () => {
  using bench = new Bench();
  await bench.write();
  bench.later = { name: "the bucket B", sequence: 130 };
  bench.waits.push(() => void (bench.later = undefined));
  assert.ok(await bench.run());
  assert.equal(bench.said.length, 1);
  assert.match(
    bench.said[0],
    /the bucket B has its log 8f14e45fceea167a up to entry 130, and the file only up to entry 120: set RESTORE_FROM to that snapshot; or, to go back, delete it/,
  );
});

Deno.test("stateToRestore() waits while a store that may have a later state can't be listed", async () => {
  using bench = new Bench();
  await bench.write();
  bench.later = { unlisted: "Cannot list the bucket B" };
  bench.waits.push(() => void (bench.later = undefined));
  assert.ok(await bench.run());
  assert.match(
    bench.said[0],
    /Cannot list the bucket B, where a later state of its log 8f14e45fceea167a may be: repair that; or, to go back, delete what is there/,
  );
});

Deno.test("stateToRestore() ends when it is aborted", async () => {
  using bench = new Bench();
  bench.waits.push(() => bench.stopping.abort());
  await assert.rejects(bench.run(), { name: "AbortError" });
});
