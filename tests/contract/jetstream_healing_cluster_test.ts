import assert from "node:assert/strict";
import type { HealPoint, LogLoss } from "../../src/log/healable_log.ts";
import { eventually } from "../support/eventually.ts";
import { Session, withClient } from "../support/jetstream_session.ts";
import { NatsCluster } from "../support/nats_cluster.ts";
import { areServersNew, type NatsServer } from "../support/nats_server.ts";

/** How long servers take at most to agree on who leads. */
const AGREED_MS = 30_000;

const POINT: HealPoint = { sequence: 5, digest: "0123456789abcdef" };

/** Does something that servers who have yet to agree may refuse. */
async function until(attempt: () => Promise<void>): Promise<void> {
  await eventually(attempt, AGREED_MS);
}

async function lossIs(
  session: Session,
  type: LogLoss["type"] | undefined,
): Promise<void> {
  await until(async () =>
    assert.equal((await session.log.healing.look())?.type, type)
  );
}

/** Where the stream begins and ends, as a server of the cluster says it. */
function endsOf(server: NatsServer): Promise<[first: number, last: number]> {
  return withClient(server, async (client) => {
    const manager = await client.jetstreamManager();
    const { state } = await manager.streams.info("USERGRADE");
    return [state.first_seq, state.last_seq];
  });
}

/** On which server the log's consumer is, and which one leads the stream. */
function placesOf(
  server: NatsServer,
): Promise<(string | undefined)[]> {
  return withClient(server, async (client) => {
    const { streams, consumers } = await client.jetstreamManager();
    const leader = (await streams.info("USERGRADE")).cluster!.leader;
    const all = await consumers.list("USERGRADE").next();
    const bound = all.filter(({ push_bound }) => push_bound);
    assert.equal(bound.length, 1);
    return [bound[0].cluster!.leader, leader];
  });
}

Deno.test({
  name:
    "JetStreamLog.healing makes a log on three servers whole, while one after the other is killed",
  ignore: !areServersNew(),
  fn: async () => {
    await using cluster = await NatsCluster.start();
    const { servers } = cluster;
    await using session = new Session(servers[0], {
      servers: servers.map(({ url }) => url),
      streamReplicas: 3,
      commitTimeout_ms: 30_000,
    });
    await session.consume();
    const connected = () =>
      eventually(() => assert.equal(session.state, "connected"), AGREED_MS);
    await connected();
    const [place, leader] = await placesOf(servers[0]);
    assert.equal(place, leader);
    for (const batch of [1, 2]) await session.propose(batch);
    await cluster.restartWithStores("save");
    await connected();
    for (const batch of [3, 4, 5]) await session.propose(batch);
    await cluster.restartWithStores("swap");

    const { healing } = session.log;
    await lossIs(session, "tail");
    // It is told at once, and that it is ahead only if that lasts.
    await eventually(
      () => assert.equal(session.statuses.at(-1)?.loss?.type, "tail"),
      AGREED_MS,
    );
    assert.equal(session.state, "away");
    const { lastSequence } = (await healing.look())!;
    assert.equal(lastSequence, 2);
    await healing.fence(POINT, lastSequence);
    await lossIs(session, "fenced");
    await healing.moveTo(POINT);
    await lossIs(session, "unmarked");

    for (const server of servers) {
      await server.stop();
      await lossIs(session, "unmarked");
      await server.start();
    }
    await until(async () => {
      // What was not answered may have been stored.
      const { lastSequence } = (await healing.look())!;
      if (lastSequence === POINT.sequence) {
        await healing.fence(POINT, lastSequence);
      }
    });
    await connected();
    await session.propose(6);
    await until(async () => assert.deepEqual(await endsOf(servers[0]), [6, 7]));
    await eventually(() => assert.equal(session.entries.length, 7));
    assert.deepEqual(session.entries[5].heal, POINT);
  },
});
