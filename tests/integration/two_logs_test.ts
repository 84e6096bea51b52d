import assert from "node:assert/strict";
import { NatsServer } from "../support/nats_server.ts";
import { freePort } from "../support/ports.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { assertHeld, assertTwoLogs, set } from "./fuller_state.ts";

Deno.test("two brokers that are no cluster: the peers say that there are two logs, and a restart is held back", async () => {
  using folder = new TemporaryFolder();
  await using first = await NatsServer.start();
  await using second = await NatsServer.start();
  await using a = await ServiceProcess.start({
    dataDir: folder.path,
    env: { NATS_URL: first.url, REPLICA_ID: "a" },
  });
  const env = {
    NATS_URL: second.url,
    REPLICA_ID: "b",
    PEERS: a.url("set"),
  };
  await using b = await ServiceProcess.start({ dataDir: folder.path, env });
  await assertTwoLogs(b, `peer ${a.url("set")}/`);
  await set(a, "ann");
  await set(b, "bob");
  await b.end("SIGTERM");
  await using again = ServiceProcess.spawn({ dataDir: folder.path, env });
  await assertHeld(again, /peer .* holds 1 users .* the stream is of log/);
  // What the other one held is lost, so that there is nothing to fear for.
  await a.end("SIGKILL");
  await using empty = await ServiceProcess.start({
    dataDir: folder.path,
    env: {
      NATS_URL: second.url,
      REPLICA_ID: "a",
      SET_PORT: new URL(a.url("set")).port,
    },
  });
  await again.started();
  assert.equal((await empty.statusJson()).users, 1);
});

Deno.test("a leaf node with a JetStream domain of its own: heartbeats say that there are two logs", async () => {
  using folder = new TemporaryFolder();
  const port = freePort();
  const jetstream = (domain: string) =>
    `server_name: ${domain}\njetstream { store_dir: "STORE", domain: ${domain} }\n`;
  await using hub = await NatsServer.start(
    `${jetstream("hub")}leafnodes { listen: "127.0.0.1:${port}" }`,
    "whole",
  );
  await using leaf = await NatsServer.start(
    `${
      jetstream("leaf")
    }leafnodes { remotes: [{ url: "nats://127.0.0.1:${port}" }] }`,
    "whole",
  );
  const start = (REPLICA_ID: string, { url }: NatsServer) =>
    ServiceProcess.start({
      dataDir: folder.path,
      env: { NATS_URL: url, REPLICA_ID },
    });
  await using a = await start("a", hub);
  await using b = await start("b", leaf);
  await assertTwoLogs(a, "replica b");
  await assertTwoLogs(b, "replica a");
  await set(a, "ann");
  await set(b, "bob");
  await b.end("SIGTERM");
  await using again = ServiceProcess.spawn({
    dataDir: folder.path,
    env: { NATS_URL: leaf.url, REPLICA_ID: "b" },
  });
  await assertHeld(again, /replica a holds \d users .* the stream is of log/);
});
