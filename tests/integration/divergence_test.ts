import assert from "node:assert/strict";
import { parseBackupInfo } from "../../src/snapshot/format/backup_info.ts";
import { readBackup } from "../../src/snapshot/format/read_backup.ts";
import { backupOf, storageOf } from "../support/backup_bytes.ts";
import { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import type { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/**
 * Writes a backup that belongs to the replica's log and place in it, is whole
 * and agrees with itself, but has other records than the log makes.
 */
async function forgeBackup(
  replica: ServiceProcess,
  folder: TemporaryFolder,
): Promise<string> {
  const response = await replica.backup();
  const { header, rows } = await readBackup(response.body!);
  for await (const _batch of rows);
  const { logId, sequence, time } = parseBackupInfo(header);
  const forged = await backupOf(
    storageOf([{
      user_id: "ann",
      postpaid_limit: 1,
      spp: 99,
      shipping_fee: 0,
      return_fee: 0,
    }]),
    { logId, sequence, time },
  );
  Deno.writeFileSync(`${folder.path}/forged.csv.gz`, forged);
  return `file://${folder.path}/forged.csv.gz`;
}

async function set(replica: ServiceProcess, body: unknown): Promise<void> {
  const response = await replica.set(body);
  assert.equal(response.status, 200, await response.text());
}

/** Whether each replica is equal, by id, as a replica says it. */
async function verdicts(replica: ServiceProcess) {
  const { replicas, stands_alone, diverged } =
    await (await replica.get("/cluster")).json();
  return {
    diverged,
    stands_alone,
    equal: Object.fromEntries(
      replicas.map((
        { replica_id, equal }: { replica_id: string; equal: boolean | null },
      ) => [replica_id, equal]),
    ),
  };
}

/** The error lines of a replica. */
function alarms(replica: ServiceProcess): string[] {
  return replica.lines
    .filter(({ level }) => level === "ERROR")
    .map(({ message }) => message.replaceAll('"', ""));
}

/** Waits until a replica has heard all others once more. */
async function heardAnew(replica: ServiceProcess): Promise<void> {
  const since = performance.now();
  await eventually(async () => {
    const { replicas } = await (await replica.get("/cluster")).json();
    const isNew = (row: { self: boolean; heard_ms_ago: number }) =>
      row.self || row.heard_ms_ago < performance.now() - since;
    assert.ok(replicas.every(isNew));
  });
}

Deno.test("two replicas that differ at the same sequence both report it and go on, and a third tells which one is wrong", async () => {
  using folder = new TemporaryFolder();
  await using cluster = await Cluster.start(1);
  const [r0] = cluster.replicas;
  for (let spp = 0; spp < 3; spp++) await set(r0, { user_id: "ann", spp });
  const forged = await forgeBackup(r0, folder);
  const r1 = await cluster.startReplica(1, { PEERS: forged });
  await eventually(async () => {
    for (const replica of [r0, r1]) {
      assert.equal((await replica.statusJson()).diverged, true);
      assert.deepEqual(await verdicts(replica), {
        diverged: true,
        stands_alone: null,
        equal: { r0: false, r1: false },
      });
    }
  });
  const { digest } = await r0.statusJson();
  const { digest: other } = await r1.statusJson();
  assert.deepEqual(alarms(r0), [
    `DIVERGED: replicas r0 and r1 differ at sequence 3: digests ${digest} and ${other}. Two replicas disagree in src/OPERATIONS.md says which one to start anew`,
  ]);
  assert.deepEqual(alarms(r1), [
    `DIVERGED: replicas r1 and r0 differ at sequence 3: digests ${other} and ${digest}. Two replicas disagree in src/OPERATIONS.md says which one to start anew`,
  ]);
  const metrics = await (await r0.get("/metrics")).text();
  assert.match(metrics, /^usergrade_diverged 1$/m);
  assert.match(metrics, /^usergrade_differences_total 1$/m);
  assert.match(metrics, /^usergrade_peers 1$/m);
  // Both go on until an operator decides.
  for (const replica of [r0, r1]) await set(replica, { user_id: "bob" });
  const r2 = await cluster.startReplica(2);
  await eventually(async () => {
    for (const replica of [r0, r1, r2]) {
      assert.deepEqual(await verdicts(replica), {
        diverged: true,
        stands_alone: "r1",
        equal: replica === r1
          ? { r0: false, r1: false, r2: false }
          : { r0: true, r1: false, r2: true },
      });
    }
  });
  await eventually(() => {
    for (const replica of [r0, r1, r2]) {
      assert.match(alarms(replica).join("\n"), /r1 stands alone/);
    }
  });
  // While it runs the difference stays, even if the records are equal again.
  for (const field of ["postpaid_limit", "spp"]) {
    await set(r0, { user_id: "ann", [field]: 5 });
  }
  await cluster.agreement();
  await heardAnew(r0);
  assert.equal((await r0.statusJson()).diverged, true);
  assert.equal(alarms(r0).filter((one) => /DIVERGED/.test(one)).length, 1);

  await r1.end("SIGKILL");
  await cluster.startReplica(1);
  await eventually(async () => {
    for (const replica of cluster.replicas) {
      assert.equal((await replica.statusJson()).diverged, false);
      assert.deepEqual(await verdicts(replica), {
        diverged: false,
        stands_alone: null,
        equal: { r0: true, r1: true, r2: true },
      });
    }
  });
});

Deno.test("a difference stays when the right replica is restored from the wrong one, and a replica started from the log differs from both", async () => {
  using folder = new TemporaryFolder();
  await using cluster = await Cluster.start(1);
  await set(cluster.replicas[0], { user_id: "ann", spp: 1 });
  const forged = await forgeBackup(cluster.replicas[0], folder);
  const wrong = await cluster.startReplica(1, { PEERS: forged });
  for (const replica of cluster.replicas) {
    await eventually(async () => {
      assert.equal((await replica.statusJson()).diverged, true);
    });
  }
  await cluster.replicas[0].end("SIGTERM");
  await cluster.startReplica(0, { PEERS: wrong.url("set") });
  await eventually(async () => {
    assert.equal((await verdicts(wrong)).equal.r0, true);
  });
  // One more heartbeat: those received so far must not settle anything.
  await heardAnew(wrong);
  assert.equal((await wrong.statusJson()).diverged, true);

  const third = await cluster.startReplica(2);
  await eventually(async () => {
    for (const replica of cluster.replicas) {
      assert.equal((await replica.statusJson()).diverged, true);
    }
  });
  const got = await third.get("/get?user_id=ann");
  assert.equal((await got.json()).spp, 1);
});

Deno.test("replicas under load are compared at sequences that both have passed", async () => {
  await using cluster = await Cluster.start(2);
  const [r0, r1] = cluster.replicas;
  let running = true;
  const clients = [r0, r1].map(async (replica) => {
    for (let i = 0; running; i++) await set(replica, { user_id: "u", spp: i });
  });
  try {
    await eventually(async () => {
      const { replicas } = await (await r0.get("/cluster")).json();
      const other = replicas.find((one: { self: boolean }) => !one.self);
      assert.equal(other.equal, true);
      assert.ok(other.compared_at >= 512);
      assert.equal(other.compared_at % 256, 0);
    });
  } finally {
    running = false;
    await Promise.all(clients);
  }
});
