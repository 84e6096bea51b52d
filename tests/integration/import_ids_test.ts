import assert from "node:assert/strict";
import { Cluster } from "../support/cluster.ts";
import { AUTHORIZATION } from "../support/credentials.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const HEADER = "user_id,postpaid_limit,spp,shipping_fee,return_fee";

/** A byte order mark, which many decoders drop. */
const BOM = "\ufeff";

async function importRows(service: ServiceProcess, ...rows: string[]) {
  const response = await fetch(`${service.url("set")}/import`, {
    method: "POST",
    headers: { authorization: AUTHORIZATION },
    body: [HEADER, ...rows, ""].join("\n"),
  });
  assert.equal(response.status, 200, await response.clone().text());
  await response.body?.cancel();
}

async function spp(service: ServiceProcess, id: string): Promise<number> {
  const response = await service.get(
    `/get?user_id=${encodeURIComponent(id)}`,
  );
  assert.equal(response.status, 200, id);
  return (await response.json()).spp;
}

Deno.test("an imported id that is a byte order mark is a user like any other, on all replicas and after a restart", async () => {
  await using cluster = await Cluster.start(2);
  await importRows(
    cluster.replicas[0],
    "ann,1,2,3,4",
    `${BOM},9,9,9,9`,
    "bob,5,6,7,8",
  );
  assert.equal((await cluster.agreement()).users, 3);
  await cluster.replicas[0].end("SIGKILL");
  const again = await cluster.startReplica(0);
  assert.equal((await cluster.agreement()).users, 3);
  assert.equal(await spp(again, BOM), 9);
  assert.equal(await spp(again, "bob"), 6);
});

Deno.test("an imported byte order mark is an id, and one before an id leaves the user without it alone, before a restart and after it", async () => {
  using folder = new TemporaryFolder();
  const options = { dataDir: folder.path };
  let digest: string;
  {
    await using service = await ServiceProcess.start(options);
    const set = await service.set({ user_id: "cat", spp: 1 });
    await set.body?.cancel();
    await importRows(
      service,
      "ann,1,2,3,4",
      `${BOM},9,9,9,9`,
      `${BOM}cat,9,9,9,9`,
    );
    assert.equal(await spp(service, "cat"), 1);
    ({ digest } = await service.statusJson());
    await service.end("SIGKILL");
  }
  await using service = await ServiceProcess.start(options);
  assert.equal((await service.statusJson()).digest, digest);
  assert.equal(await spp(service, BOM), 9);
  assert.equal(await spp(service, "cat"), 1);
  assert.equal(await spp(service, `${BOM}cat`), 9);
});
