import assert from "node:assert/strict";
import fc from "fast-check";
import { anyCharacter } from "../support/any_character.ts";
import { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";

const encoder = new TextEncoder();

/** What a stranger publishes. */
interface Message {
  readonly subject: string;
  /** Undefined for none. */
  readonly headers: Uint8Array | undefined;
  readonly payload: Uint8Array;
}

/** Any but those of a later version, which would stop the replicas. */
const subject = fc.oneof(
  { weight: 4, arbitrary: fc.constant("usergrade.v1.set.stranger") },
  fc.constantFrom(
    "usergrade.v1.set.r0",
    "usergrade.v1.set",
    "usergrade.v1.del.r1",
    "usergrade.v1",
    "usergrade.V2.set.x",
    "usergrade.v01.set.x",
    "usergrade.vv.set.x",
    "usergrade.x",
    "usergrade.v1.set.a.b.c",
    "usergrade.v1.set.\u{1f600}",
  ),
);

const header = fc.oneof(
  fc.constantFrom(
    "Nats-Msg-Id: x",
    "Nats-Msg-Id: ",
    "Nats-Msg-Id: a:1",
    "Nats-Last-Sequence: 5",
    "Nats-Consumer-Stalled: $JS.FC.x",
    "Status: 409",
    "no colon",
    ": no name",
  ),
  fc.string({ unit: anyCharacter, maxLength: 30 }),
);

const headers = fc.option(
  fc.oneof(
    fc.tuple(
      fc.constantFrom("NATS/1.0", "NATS/1.0 100", "NATS/1.0 409 Gone", "NATS"),
      fc.array(header, { maxLength: 3 }),
    ).map(([first, lines]) =>
      encoder.encode([first, ...lines, "", ""].join("\r\n"))
    ),
    fc.uint8Array({ minLength: 1, maxLength: 40 }),
  ),
  { nil: undefined },
);

const grade = fc.record({
  user_id: fc.oneof(fc.constantFrom("a", "b", "c"), fc.string()),
  postpaid_limit: fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double()),
  spp: fc.oneof(fc.integer(), fc.constantFrom(null, "1", -0)),
  shipping_fee: fc.integer(),
  x: fc.constant(1),
}, { requiredKeys: ["user_id"] });

const payload = fc.oneof(
  fc.array(
    fc.record({ user_id: fc.constantFrom("a", "b", "c"), spp: fc.integer() }),
    { minLength: 1, maxLength: 3 },
  ).map((value) => encoder.encode(JSON.stringify(value))),
  fc.array(grade, { maxLength: 3 })
    .map((value) => encoder.encode(JSON.stringify(value))),
  fc.json({ maxDepth: 2 }).map((text) => encoder.encode(text)),
  fc.uint8Array({ maxLength: 60 }),
);

const message: fc.Arbitrary<Message> = fc.record({ subject, headers, payload });

/** Publishes with a hand-written protocol: a client library refuses most of it. */
async function publish(port: number, messages: readonly Message[]) {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  const parts = [
    encoder.encode('CONNECT {"headers":true,"verbose":false}\r\n'),
    ...messages.flatMap(({ subject, headers, payload }) => [
      encoder.encode(
        headers === undefined
          ? `PUB ${subject} ${payload.length}\r\n`
          : `HPUB ${subject} ${headers.length} ${
            headers.length + payload.length
          }\r\n`,
      ),
      headers ?? new Uint8Array(0),
      payload,
      encoder.encode("\r\n"),
    ]),
    encoder.encode("PING\r\n"),
  ];
  const writer = socket.writable.getWriter();
  await writer.write(
    new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer()),
  );
  let answer = "";
  for await (
    const text of socket.readable.pipeThrough(new TextDecoderStream())
  ) {
    answer += text;
    if (/PONG|-ERR/.test(answer)) break;
  }
}

Deno.test("foreign entries in the log make no replica stop or differ", async () => {
  await using cluster = await Cluster.start(2);
  let published = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { minLength: 1, maxLength: 40 }),
      async (messages) => {
        await publish(cluster.broker.port, messages);
        published += messages.length;
        // A set after them shows that both have got past them.
        const response = await cluster.replicas[0].set({ user_id: "own" });
        assert.equal(response.status, 200);
        const sequence = Number(response.headers.get("log-sequence"));
        await response.body?.cancel();
        const got = await cluster.replicas[1].get(
          `/get?user_id=own&min_sequence=${sequence}`,
        );
        assert.equal(got.status, 200);
        await got.body?.cancel();
        assert.ok((await cluster.agreement()).sequence >= sequence);
      },
    ),
    { numRuns: 75 },
  );
  const { sequence, users } = await cluster.agreement();
  assert.ok(sequence > published / 2, `${sequence} of ${published} are stored`);
  assert.ok(users > 3);
  // And a replica that reads it all from the beginning is equal too.
  await cluster.startReplica(2);
  await eventually(() => cluster.agreement());
  assert.equal((await cluster.agreement()).sequence, sequence);
});
