import assert from "node:assert/strict";
import { Cluster } from "../support/cluster.ts";
import { basicAuthorization, USER } from "../support/credentials.ts";
import type { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

function set(replica: ServiceProcess, password: string): Promise<Response> {
  return replica.set({ user_id: "a" }, {
    headers: { authorization: basicAuthorization(USER, password) },
  });
}

Deno.test("a password is changed replica by replica while clients use the old and the new one", async () => {
  using folder = new TemporaryFolder();
  const file = `${folder.path}/passwords`;
  await using cluster = await Cluster.start(0);
  const restart = async (index: number) => {
    const before = cluster.replicas[index];
    if (before !== undefined) {
      assert.equal((await before.end("SIGTERM")).code, 0);
    }
    const other = cluster.replicas[1 - index];
    const replica = await cluster.startReplica(index, {
      AUTH_PASSWORD: "",
      AUTH_PASSWORD_FILE: file,
      ...(other && { PEERS: other.url("set") }),
    });
    // It has come in at its peer, whichever passwords the two know.
    if (other !== undefined) {
      assert.ok(
        replica.lines.some(({ message }) =>
          /^Snapshot from .*: ok/.test(message)
        ),
      );
    }
  };
  const expect = async (password: string, status: number) => {
    for (const replica of cluster.replicas) {
      const response = await set(replica, password);
      assert.equal(response.status, status);
      await response.body?.cancel();
    }
  };

  Deno.writeTextFileSync(file, "old\n");
  await restart(0);
  await restart(1);
  await expect("old", 200);
  await expect("new", 401);

  // Each step begins while the replicas are at the step before.
  for (const passwords of ["old\nnew\n", "new\nold\n"]) {
    Deno.writeTextFileSync(file, passwords);
    await restart(0);
    await expect("old", 200);
    await restart(1);
    await expect("old", 200);
    await expect("new", 200);
  }
  Deno.writeTextFileSync(file, "new\n");
  await restart(0);
  await expect("new", 200);
  await restart(1);
  await expect("new", 200);
  await expect("old", 401);
});
