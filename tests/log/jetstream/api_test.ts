import assert from "node:assert/strict";
import { connect } from "nats";
import {
  ApiError,
  ASK_AGAIN_MS,
  JetStreamApi,
} from "../../../src/log/jetstream/api.ts";
import { NatsServer } from "../../support/nats_server.ts";

/** The timeout of a question that is asked again three times. */
const TIMEOUT_MS = 3.5 * ASK_AGAIN_MS;

Deno.test("JetStreamApi asks again what changes nothing and was dropped, and nothing else", async () => {
  await using server = await NatsServer.start("", "whole");
  const connection = await connect({ servers: server.url });
  try {
    const asked: string[] = [];
    // A server whose stream has a leader only when it is asked for the third time.
    connection.subscribe("$JS.API.>", {
      callback: (_, message) => {
        asked.push(message.subject.slice("$JS.API.".length));
        if (asked.length === 3) message.respond('{"answers":"the third"}');
      },
    });
    const api = new JetStreamApi(connection, "a");
    const options = { timeout_ms: TIMEOUT_MS };
    assert.deepEqual(await api.ask("STREAM.INFO.S", {}, options), {
      answers: "the third",
    });
    const changes = ["CONSUMER.CREATE.S", "STREAM.CREATE.S", "STREAM.PURGE.S"];
    const silent = ["STREAM.MSG.GET.S", ...changes];
    const ends = await Promise.allSettled(
      silent.map((subject) => api.ask(subject, {}, options)),
    );
    for (const end of ends) {
      assert.ok(end.status === "rejected" && end.reason instanceof ApiError);
    }
    const reads = ["STREAM.INFO.S", "STREAM.MSG.GET.S"];
    for (
      const [subject, times] of [
        ...reads.map((one, i) => [one, 3 + i] as const),
        ...changes.map((one) => [one, 1] as const),
      ]
    ) assert.equal(asked.filter((one) => one === subject).length, times);
  } finally {
    await connection.close();
  }
});
