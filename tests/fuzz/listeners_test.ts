import assert from "node:assert/strict";
import fc from "fast-check";
import { anyCharacter } from "../support/any_character.ts";
import { eventually } from "../support/eventually.ts";
import { AUTHORIZATION_LINE, RawClient } from "../support/raw_client.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** How many connections a case has at the same time. */
const CONNECTIONS_MAX = 8;

/** How long an answer to a whole request may take. */
const PATIENCE_MS = 10_000;

const encoder = new TextEncoder();

/** One connection's bytes, and the listener that they go to. */
interface Input {
  readonly listener: "set" | "get";
  readonly bytes: Uint8Array;
}

const listener = fc.constantFrom("set" as const, "get" as const);

const text = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 40 }),
  fc.constantFrom("", "?", "/", "//", "%", "%ff", "#", "*", "a".repeat(9_000)),
);

const target = fc.oneof(
  fc.tuple(
    fc.constantFrom(
      "/set",
      "/delete",
      "/get",
      "/get?user_id=a",
      "/get?min_sequence=1&user_id=",
      "/backup",
      "/import",
      "/import?replace=true",
      "/snapshot",
      "/status",
      "/healthz",
      "/readyz",
      "/metrics",
      "/cluster",
      "/openapi.json",
      "/history",
      "/page/page.js",
      "/page",
      "/watch?after=0",
      "http://x",
      "",
    ),
    text,
  ).map(([path, more]) => path + more),
  text,
);

const headerLine = fc.oneof(
  { weight: 3, arbitrary: fc.constant(AUTHORIZATION_LINE) },
  fc.constantFrom(
    "Authorization: Basic ****",
    "Authorization: Basic",
    "Host: /healthz?",
    "Origin: http://x",
    "Sec-Fetch-Site: cross-site",
    "Expect: 100-continue",
    "Connection: close",
    "Upgrade: websocket",
    "Content-Encoding: gzip",
    "Content-Type: text/csv",
    "Transfer-Encoding: gzip",
  ),
  fc.tuple(
    fc.string({ maxLength: 10 }),
    fc.string({ unit: anyCharacter, maxLength: 30 }),
  )
    .map(([name, value]) => `${name}: ${value}`),
);

const body = fc.oneof(
  fc.json({ maxDepth: 2 }),
  fc.record({
    user_id: fc.oneof(fc.string(), fc.constantFrom("a", "b")),
    spp: fc.oneof(fc.integer(), fc.double(), fc.string()),
    x: fc.option(fc.constant(1), { nil: undefined }),
  }, { requiredKeys: [] }).map((value) => JSON.stringify(value)),
  fc.constant('{"user_id":"a","spp":1}'),
  fc.constantFrom(
    '[{"user_id":"a"},{"user_id":"b"}]',
    '{"user_id":"a"}',
    '["a","b"]',
    "[1]",
    "[".repeat(9_000),
  ),
  fc.constant(
    "user_id,postpaid_limit,spp,shipping_fee,return_fee\r\nb,1,2,3,4\r\n",
  ),
  fc.string({ unit: anyCharacter }),
);

const request = fc.record({
  method: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom("GET", "POST") },
    fc.constantFrom("HEAD", "PUT", "OPTIONS", "TRACE", "CONNECT", "get", ""),
  ),
  target,
  headers: fc.array(headerLine, { maxLength: 4 }),
  body,
  framing: fc.constantFrom("length", "chunked", "short", "long", "none"),
}).map(({ method, target, headers, body, framing }) => {
  const length = encoder.encode(body).length;
  const lines = {
    length: [`Content-Length: ${length}`],
    short: [`Content-Length: ${Math.max(0, length - 1)}`],
    long: [`Content-Length: ${length + 1}`],
    chunked: ["Transfer-Encoding: chunked"],
    none: [],
  }[framing];
  const framed = framing === "chunked"
    ? `${length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    : body;
  return encoder.encode(
    [
      `${method} ${target} HTTP/1.1`,
      "Host: x",
      ...headers,
      ...lines,
      "",
      framed,
    ]
      .join("\r\n"),
  );
});

const input: fc.Arbitrary<Input> = fc.record({
  listener,
  bytes: fc.oneof(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
    { weight: 6, arbitrary: request },
    {
      weight: 2,
      arbitrary: fc.tuple(request, fc.nat(), fc.nat(255)).map(
        ([bytes, at, byte]) => bytes.with(at % bytes.length, byte),
      ),
    },
  ),
});

/** Sends the bytes and the end, and reads to the end. */
async function exchange(url: string, bytes: Uint8Array): Promise<string> {
  using client = await RawClient.connect(url);
  await client.send(bytes);
  await client.connection.closeWrite().catch(() => {});
  const { text, closed } = await client.receive(undefined, PATIENCE_MS);
  assert.ok(closed, "it did not end");
  return text;
}

Deno.test("no bytes at any route crash a listener, make a 500 or change what is stored with another answer than 200", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  const seen = new Map<string, number>();
  let lastSequence = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(input, { minLength: 1, maxLength: CONNECTIONS_MAX }),
      async (inputs) => {
        const answers = await Promise.all(
          inputs.map(({ listener, bytes }) =>
            exchange(service.url(listener), bytes)
          ),
        );
        let mayHaveStored = false;
        for (const answer of answers) {
          for (const [, status] of answer.matchAll(/HTTP\/1.1 (\d{3}) /g)) {
            seen.set(status, (seen.get(status) ?? 0) + 1);
            assert.notEqual(status, "500");
          }
          // The runtime may drop a client that has ended its side before its
          // answer is there: what it did is unknown then.
          mayHaveStored ||= answer === "" ||
            /log-sequence: |"log_sequence":/.test(answer);
        }
        const { log } = await service.statusJson();
        if (!mayHaveStored) assert.equal(log.last_sequence, lastSequence);
        lastSequence = log.last_sequence;
      },
    ),
    { numRuns: 200 },
  );
  for (const status of ["200", "400", "401", "404", "405"]) {
    assert.ok(seen.has(status), `there was no ${status}`);
  }
  assert.ok(
    service.lines.every(({ level }) => level !== "ERROR" && level !== "FATAL"),
  );
  await eventually(async () => {
    assert.equal((await service.set({ user_id: "z" })).status, 200);
  });
  assert.equal((await service.end("SIGTERM")).code, 0);
});
