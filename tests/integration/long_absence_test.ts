import assert from "node:assert/strict";
import { connect, headers } from "nats";
import { TcpProxy } from "../fault/tcp_proxy.ts";
import { SEAM } from "../../src/log/jetstream/feed_message.ts";
import { SEAMS_MAX } from "../../src/replica/seams.ts";
import { Cluster } from "../support/cluster.ts";
import type { NatsServer } from "../support/nats_server.ts";
import type { ServiceProcess } from "../support/service_process.ts";
import { set } from "./fuller_state.ts";

const RESTARTS = 3;

/**
 * Adds what a replica proposes first after a start of NATS, once for each of so
 * many starts, and takes what was before from the log if it is to be cut.
 */
async function liveThrough(
  { url }: NatsServer,
  starts: number,
  isCut: boolean,
): Promise<void> {
  const client = await connect({ servers: url });
  const jetstream = client.jetstream();
  for (let i = 1; i <= starts; i++) {
    const head = headers();
    head.set(SEAM, String(i));
    await jetstream.publish("usergrade.v1.set.other", '[{"user_id":"bob"}]', {
      headers: head,
    });
  }
  if (isCut) {
    const manager = await jetstream.jetstreamManager();
    const { state } = await manager.streams.info("USERGRADE");
    await manager.streams.purge("USERGRADE", { seq: state.last_seq });
  }
  await client.close();
}

/** Checks that all are equal, that none is forked, and that each takes sets. */
async function assertEqual(cluster: Cluster): Promise<void> {
  for (const replica of cluster.replicas) {
    await replica.untilReady("set");
    await set(replica, "ann");
    assert.ok(!replica.lines.some(({ state }) => state === "forked"));
  }
  await cluster.agreement();
}

Deno.test("a replica that was cut off while NATS was started anew again and again goes on as an equal one; only where the log was cut beyond it, after more starts than a state remembers, it says that nothing tells its history from another, and a restart mends that", async () => {
  await using cluster = await Cluster.start(1);
  const { broker, replicas: [a] } = cluster;
  await using proxy = new TcpProxy(broker.port);
  const away = {
    NATS_URL: `nats://127.0.0.1:${proxy.port}`,
    PEERS: a.url("set"),
  };
  const b = await cluster.startReplica(1, away);
  await assertEqual(cluster);

  // Its last entry is in the log, which is all that it takes.
  await proxy.refuse();
  for (let i = 0; i < RESTARTS; i++) {
    await broker.stop();
    await broker.start();
  }
  await liveThrough(broker, SEAMS_MAX + 1, false);
  proxy.accept();
  await assertEqual(cluster);

  // Its last entry is not, and what a state remembers tells it.
  await proxy.refuse();
  await liveThrough(broker, SEAMS_MAX / 2, true);
  proxy.accept();
  await b.line(({ message }) =>
    message.startsWith("The log was cut; going on from a snapshot")
  );
  await assertEqual(cluster);

  await proxy.refuse();
  await liveThrough(broker, SEAMS_MAX + 1, true);
  proxy.accept();
  await assertUntold(b);
  await b.end("SIGTERM");
  await cluster.startReplica(1, away);
  await assertEqual(cluster);
});

/** Checks that a replica says that its history may be another one. */
async function assertUntold(replica: ServiceProcess): Promise<void> {
  const { reason } = await replica.line(({ state, level }) =>
    state === "forked" && level === "ERROR"
  );
  assert.match(String(reason), /two histories, perhaps.* start this one anew/);
  const got = await replica.get("/get?user_id=ann");
  assert.equal(got.status, 200, await got.text());
  const backup = await replica.backup();
  await backup.body?.cancel();
  assert.equal(backup.status, 200);
}
