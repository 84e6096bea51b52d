/**
 * Leaders that hand over to another server while all servers are up.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { BrokerClient, LOG_STREAM } from "./broker_client.ts";
import { unlessMissing } from "./broker_error.ts";
import type { Brokers } from "./brokers.ts";
import type { Inject } from "./fault_work.ts";
import { BUCKET_STREAM } from "./snapshot_bucket.ts";

/** How long after a leader has stepped down the next one does. */
const AGAIN_MS = 250;

/** Who may ask JetStream itself, and not the streams of an account. */
const SYSTEM = { user: "system", pass: "system" };

/** Lines for the configuration of servers whose leaders are to step down. */
export const SYSTEM_USER =
  `accounts { $SYS { users: [{ user: "${SYSTEM.user}", password: "${SYSTEM.pass}" }] } }`;

/** Whoever leads the log, and the bucket if there is one. */
export const stepDownStreams: Inject = again(async (brokers) => {
  for (const stream of [LOG_STREAM, BUCKET_STREAM]) {
    await brokers.ask((client) =>
      unlessMissing(client.ask(`STREAM.LEADER.STEPDOWN.${stream}`))
    );
  }
});

/** Whoever leads the log's consumers. */
export const stepDownConsumers: Inject = again(async (brokers) => {
  const { consumers } = await brokers.ask((client) =>
    client.ask(`CONSUMER.NAMES.${LOG_STREAM}`)
  );
  await Promise.all(
    consumers.map((name: string) =>
      brokers.ask((client) =>
        unlessMissing(
          client.ask(`CONSUMER.LEADER.STEPDOWN.${LOG_STREAM}.${name}`),
        )
      )
    ),
  );
});

/** Whoever leads JetStream. */
export const stepDownMeta: Inject = again(async ({ servers }) => {
  await Promise.any(servers.map(async ({ url }) => {
    await using client = await BrokerClient.connect(url, SYSTEM);
    await client.ask("META.LEADER.STEPDOWN");
  }));
});

/** Lets leaders step down, for as long as the fault lasts. */
function again(stepDown: (brokers: Brokers) => Promise<void>): Inject {
  return async ({ cluster: { brokers }, note }, fault) => {
    const end_ms = performance.now() + fault.for_ms;
    // Where none leads at the moment, nobody answers.
    const hit = async () =>
      await stepDown(brokers).then(() => true, () => false);
    note(fault, await hit());
    while (performance.now() < end_ms) {
      await sleep(AGAIN_MS);
      await hit();
    }
  };
}
