import assert from "node:assert/strict";
import { connect } from "nats";
import { setTimeout as sleep } from "node:timers/promises";
import { PASSWORD, USER } from "../support/credentials.ts";
import { eventually } from "../support/eventually.ts";
import { NatsServer } from "../support/nats_server.ts";
import type { ToServiceThread } from "../support/service_thread.ts";

/** A service in a worker, whose thread can be kept busy. */
class ServiceThread implements AsyncDisposable {
  readonly #worker = new Worker(
    new URL("../support/service_thread.ts", import.meta.url),
    { type: "module" },
  );
  #urls = { set: "", get: "" };

  async start(env: Record<string, string>): Promise<void> {
    this.#urls = await this.#ask({ type: "start", env });
  }

  #ask<T>(message: ToServiceThread): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#worker.onmessage = ({ data }) => resolve(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    this.#worker.postMessage(message);
    return promise;
  }

  /** @returns Lets the thread go on, which does nothing until then. */
  async block(): Promise<() => void> {
    const until = new Int32Array(new SharedArrayBuffer(4));
    await this.#ask({ type: "block", until });
    await sleep(50);
    return () => {
      Atomics.store(until, 0, 1);
      Atomics.notify(until, 0);
    };
  }

  /** Waits until sets can commit. */
  async untilWritable(): Promise<void> {
    await eventually(async () => {
      const response = await fetch(`${this.#urls.set}/readyz`);
      const { reason } = await response.json();
      assert.equal(response.status, 200, reason);
    }, 20_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ask({ type: "stop" });
    this.#worker.terminate();
  }
}

/** Waits until the log of the only replica has a consumer again. */
async function untilConsumed(broker: NatsServer): Promise<void> {
  const client = await connect({ servers: broker.url });
  try {
    const { streams } = await client.jetstreamManager();
    await eventually(async () => {
      const { state } = await streams.info("USERGRADE");
      assert.equal(state.consumer_count, 1);
    });
  } finally {
    await client.close();
  }
  // Its answer is on its way.
  await sleep(100);
}

Deno.test("a replica takes sets again although its thread was busy while NATS was started anew and others were heard", async () => {
  await using broker = await NatsServer.start();
  await using service = new ServiceThread();
  await service.start({
    NATS_URL: broker.url,
    AUTH_USER: USER,
    AUTH_PASSWORD: PASSWORD,
    REPLICA_ID: "a",
    SET_PORT: "0",
    GET_PORT: "0",
  });
  await service.untilWritable();
  const goOn = await service.block();
  const client = await connect({ servers: broker.url });
  // What was heard before the loss of the connection is told before the loss.
  for (let i = 0; i < 20; i++) client.publish("usergrade-replicas.b", "{}");
  await client.flush();
  await client.close();
  await broker.stop();
  await broker.start();
  await untilConsumed(broker);
  goOn();
  await service.untilWritable();
});
