/**
 * One JetStream publish and ack per set, by the same library: what replication
 * would cost at least without group commit. There is no HTTP around it.
 *
 * Its arguments are the broker's URL, how many publishes are outstanding at a
 * time, the seconds, and whether each has a message id, by which a retry would
 * be harmless: `id` or `plain`. It prints its figures as JSON.
 *
 * @module
 */
import { connect, type StreamConfig } from "nats";
import { newStreamConfig } from "../../../src/log/jetstream/stream_config.ts";
import { ownSubjects } from "../../../src/log/jetstream/subjects.ts";
import { figuresOf } from "./figures.ts";
import { grades } from "./requests.ts";

const STREAM = "PUBLISHER";

/** How long it runs before it is measured. */
const WARM_UP_S = 1;

const [url, outstanding, seconds, id] = Deno.args;

const connection = await connect({ servers: url, noAsyncTraces: true });
const manager = await connection.jetstreamManager();
await manager.streams.add(
  newStreamConfig(STREAM, 1, "0".repeat(16)) as StreamConfig,
);
const jetstream = connection.jetstream();
const subject = ownSubjects(STREAM, "one")[1];
const session = crypto.randomUUID();
const sets = grades();
let published = 0;

/** Publishes one set after the other until the time is over. */
async function publishUntil(end: number, latencies_ms: number[]) {
  let start = performance.now();
  while (start < end) {
    const payload = JSON.stringify([sets[published++ % sets.length]]);
    await jetstream.publish(
      subject,
      payload,
      id === "id" ? { msgID: `${session}:${published}` } : {},
    );
    const now = performance.now();
    latencies_ms.push(now - start);
    start = now;
  }
}

async function publishFor(seconds: number): Promise<number[]> {
  const latencies_ms: number[] = [];
  const end = performance.now() + seconds * 1000;
  await Promise.all(
    Array.from(
      { length: Number(outstanding) },
      () => publishUntil(end, latencies_ms),
    ),
  );
  return latencies_ms;
}

await publishFor(WARM_UP_S);
const latencies_ms = await publishFor(Number(seconds));
await connection.close();
console.log(
  JSON.stringify(
    figuresOf(Float64Array.from(latencies_ms), Number(seconds)),
  ),
);
