/**
 * Losses of the broker: its servers are killed at once, and come back with less
 * than replicas have applied.
 *
 * @module
 */
import { LOG_STREAM } from "./broker_client.ts";
import { unlessMissing } from "./broker_error.ts";
import type { Brokers } from "./brokers.ts";
import { BUCKET_STREAM } from "./snapshot_bucket.ts";

/** What is lost. */
export type Loss =
  /** All since the stores were saved. */
  | "older copy"
  /** All of JetStream. */
  | "stores"
  /** The log's stream, while the servers run. */
  | "stream"
  /** The bucket of snapshots with it. */
  | "stream and bucket";

/** Keeps a copy of each server's store, as it is while it runs. */
export async function saveStores({ servers }: Brokers): Promise<void> {
  await Promise.all(servers.map((server) => server.copyStore("save")));
}

/**
 * Loses something, and waits until the broker answers again.
 *
 * @returns When all its servers took connections again, as `performance.now()`
 * has it: several of them take some time more until they agree on who leads.
 */
export async function lose(brokers: Brokers, loss: Loss): Promise<number> {
  const { servers } = brokers;
  if (loss === "stream" || loss === "stream and bucket") {
    await deleteStream(brokers, LOG_STREAM);
    if (loss === "stream and bucket") {
      await deleteStream(brokers, BUCKET_STREAM);
    }
    return performance.now();
  }
  await Promise.all(servers.map((server) => server.stop("SIGKILL")));
  for (const server of servers) {
    if (loss === "stores") server.loseStore();
    else await server.copyStore("put back");
  }
  await Promise.all(servers.map((server) => server.start()));
  const back_ms = performance.now();
  await untilAnswered(brokers);
  return back_ms;
}

async function deleteStream(brokers: Brokers, name: string): Promise<void> {
  await brokers.ask((client) => unlessMissing(client.deleteStream(name)));
}

/** Waits until JetStream says what it has of the log, or that it has none. */
async function untilAnswered(brokers: Brokers): Promise<void> {
  await brokers.ask(async (client) => {
    const view = await unlessMissing(client.look(LOG_STREAM));
    if (
      view !== undefined && brokers.servers.length > 1 &&
      view.leader === undefined
    ) throw new Error("the stream has no leader");
  });
}
