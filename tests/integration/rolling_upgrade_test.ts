import assert from "node:assert/strict";
import { SqliteLog } from "../../src/log/sqlite/sqlite_log.ts";
import { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import {
  areReleasesHere,
  releasedSources,
} from "../support/released_sources.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

// A clone of limited depth has no sources of older versions.
const ignore = !await areReleasesHere();

/** Sends sets until it is told to end; counts those that committed. */
async function load(
  replica: ServiceProcess,
  name: string,
  isOver: () => boolean,
): Promise<number> {
  let committed = 0;
  while (!isOver()) {
    const user_id = `${name}-${committed}`;
    const answer = await replica.set({ user_id, spp: 1 });
    await answer.body?.cancel();
    if (answer.status !== 200) break;
    committed++;
  }
  return committed;
}

Deno.test(
  "replicas of 1.0.0 and 1.3.0 work beside this version until a user is deleted, and then say that they are to be upgraded",
  { ignore },
  async () => {
    await using cluster = await Cluster.start(0);
    using data = new TemporaryFolder();
    using first = await releasedSources("1.0.0");
    using third = await releasedSources("1.3.0");
    for (const [i, sources] of [first.path, third.path, undefined].entries()) {
      cluster.replicas.push(
        await ServiceProcess.start({
          dataDir: data.path,
          env: {
            NATS_URL: cluster.broker.url,
            REPLICA_ID: `r${i}`,
            COMMIT_TIMEOUT_MS: "1000",
          },
          ...(sources !== undefined && { sources }),
        }),
      );
    }
    const versions = await Promise.all(
      cluster.replicas.map(async (one) => (await one.statusJson()).version),
    );
    assert.deepEqual(versions.slice(0, 2), ["1.0.0", "1.3.0"]);
    const [, , here] = cluster.replicas;
    const many = [{ user_id: "many" }, { user_id: "gone", spp: 2 }];
    assert.equal((await here.set(many)).status, 200);
    await cluster.agreement();

    let isOver = false;
    const loads = cluster.replicas.map((one, i) =>
      load(one, `${i}`, () => isOver)
    );
    for (let i = 0; i < 20; i++) {
      assert.equal((await here.set({ user_id: "beside" })).status, 200);
    }
    const deletion = await here.delete({ user_id: "gone" });
    assert.deepEqual(await deletion.json(), { user_id: "gone", existed: true });
    const deletedAt = Number(deletion.headers.get("log-sequence"));
    const old = cluster.replicas.slice(0, 2);
    for (const replica of old) {
      await eventually(async () => {
        const { state, log } = await replica.statusJson();
        assert.equal(state, "upgrade_required");
        assert.equal(log.applied_sequence, deletedAt - 1);
      });
      assert.ok(!replica.lines.some(({ message }) => /skip/.test(message)));
      for (const ready of ["set", "get"] as const) {
        const probe = await fetch(`${replica.url(ready)}/readyz`);
        await probe.body?.cancel();
        assert.equal(probe.status, 503);
      }
    }
    // Sets go on here, of version 1 and beside deletions.
    for (const user_id of ["after", "gone"]) {
      assert.equal((await here.set({ user_id, spp: 3 })).status, 200);
      assert.equal((await here.delete({ user_id: "many" })).status, 200);
    }
    isOver = true;
    const committed = await Promise.all(loads);
    assert.ok(committed[2] > 0);
    for (const [i, count] of committed.entries()) {
      const ids = Array.from(
        { length: Math.min(count, 1000) },
        (_, n) => `${i}-${n}`,
      );
      if (ids.length === 0) continue;
      const got = await fetch(`${here.url("get")}/get`, {
        method: "POST",
        body: JSON.stringify(ids),
      });
      const grades: unknown[] = await got.json();
      assert.ok(grades.every((grade) => grade !== null), "a set is lost");
    }
  },
);

Deno.test(
  "an older version opens the embedded log of this one until a user is deleted, and refuses it then",
  { ignore },
  async () => {
    using data = new TemporaryFolder();
    const propose = async (text: string, version: 1 | 2) => {
      const log = new SqliteLog(data.path);
      await log.open();
      await log.propose(1, new TextEncoder().encode(text), version);
      await log.close();
    };
    const old = await Promise.all(
      ([["1.0.0", "log"], ["1.3.0", "log/sqlite"]] as const).map(
        async ([version, path]) => {
          using sources = await releasedSources(version);
          const module = await import(
            `file://${sources.path}/src/${path}/sqlite_log.ts`
          );
          return (folder: string) => new module.SqliteLog(folder);
        },
      ),
    );
    await propose('[{"user_id":"a"}]', 1);
    for (const logIn of old) {
      const log = logIn(data.path);
      assert.equal((await log.open()).lastSequence, 1);
      await log.close();
    }
    await propose('[{"user_id":"a","deleted":true}]', 2);
    for (const logIn of old) {
      // One that has refused a file holds it until its process ends.
      using copy = new TemporaryFolder();
      await Deno.copyFile(
        `${data.path}/usergrade.db`,
        `${copy.path}/usergrade.db`,
      );
      await assert.rejects(
        logIn(copy.path).open(),
        /format 2, this version reads format 1: use the version that wrote it/,
      );
    }
  },
);
