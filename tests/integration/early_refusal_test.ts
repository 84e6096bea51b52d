import assert from "node:assert/strict";
import { type ClientHttp2Session, connect } from "node:http2";
import {
  LINGER_BYTES_MAX,
  LINGERING_MAX,
} from "../../src/http/server/linger.ts";
import { makeCertificates } from "../support/certificates.ts";
import { PASSWORD, USER } from "../support/credentials.ts";
import { AUTHORIZATION_LINE, head, RawClient } from "../support/raw_client.ts";
import { runProgram } from "../support/run_program.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const CHUNK = new Uint8Array(64 * 1024);

/** What an everyday client sends that reads nothing before all is sent. */
const BODY_BYTES = 10_000_000;

/** A refused request: its head, and the status of the answer. */
const REFUSED: [lines: string[], status: string][] = [
  [["POST /import"], "401"],
  [["POST /import", "Expect: 100-continue"], "401"],
  [["POST /set", AUTHORIZATION_LINE], "413"],
  [["POST /nope", AUTHORIZATION_LINE], "404"],
  [["PUT /set", AUTHORIZATION_LINE], "405"],
];

const folder = new TemporaryFolder();

/** One that all tests over TLS share, and the authority of its certificate. */
let overTls: ServiceProcess;
let ca: string;

/** One without TLS, which the last test that needs it ends. */
let plain: ServiceProcess;

Deno.test.beforeAll(async () => {
  const certificates = await makeCertificates(folder.path, "server");
  const { cert, key } = certificates;
  ca = Deno.readTextFileSync(certificates.ca);
  overTls = ServiceProcess.spawn({
    dataDir: `${folder.path}/tls`,
    env: { TLS_CERT_FILE: cert, TLS_KEY_FILE: key },
  });
  plain = ServiceProcess.spawn({ dataDir: `${folder.path}/plain` });
  await overTls.line(({ state }) => state === "ready");
  await plain.started();
});

Deno.test.afterAll(async () => {
  await overTls[Symbol.asyncDispose]();
  await plain[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** Sends a body of some length as it is, or in chunks of HTTP's own. */
async function sendBody(
  client: RawClient,
  length: number,
  chunked: boolean,
): Promise<boolean> {
  for (let sent = 0; sent < length; sent += CHUNK.length) {
    const part = CHUNK.subarray(0, length - sent);
    const sentAll = chunked
      ? await client.send(`${part.length.toString(16)}\r\n`) &&
        await client.send(part) && await client.send("\r\n")
      : await client.send(part);
    if (!sentAll) return false;
  }
  return !chunked || await client.send("0\r\n\r\n");
}

Deno.test("a client over TLS that sends all of a refused body can read the refusal", async () => {
  for (const [[requestLine, ...lines], status] of REFUSED) {
    for (const chunked of [false, true]) {
      using client = await RawClient.connect(overTls.url("set"), ca);
      await client.send(head(
        requestLine,
        ...lines,
        chunked
          ? "Transfer-Encoding: chunked"
          : `Content-Length: ${BODY_BYTES}`,
      ));
      const name = `${[requestLine, ...lines]} ${chunked}`;
      assert.ok(await sendBody(client, BODY_BYTES, chunked), name);
      const { text } = await client.receive((text) => text.endsWith("}"));
      // The runtime asks for the body before anyone has seen the request.
      const answer = text.replace("HTTP/1.1 100 Continue\r\n\r\n", "");
      assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), `${name}: ${text}`);
      assert.match(text, /"detail":"[^"]+"/);
    }
  }
});

Deno.test("a refused body that never ends is cut off", async () => {
  using client = await RawClient.connect(plain.url("set"));
  await client.send(head("POST /import", "Content-Length: 10000000000"));
  assert.ok(!await sendBody(client, 4 * LINGER_BYTES_MAX, false));
});

Deno.test("clients that stop in the middle of refused bodies take nobody's place, and do not hold up a stop", async () => {
  const clients = await Promise.all(
    Array.from({ length: LINGERING_MAX }, async () => {
      const client = await RawClient.connect(plain.url("set"));
      await client.send(head("POST /import", "Content-Length: 10000000000"));
      return client;
    }),
  );
  for (const client of clients) {
    const { text } = await client.receive((text) => text.endsWith("}"));
    assert.match(text, /^HTTP\/1.1 401 /);
  }
  const started = performance.now();
  const status = plain.end("SIGTERM");
  for (const client of clients) {
    assert.ok((await client.receive()).closed);
    client[Symbol.dispose]();
  }
  assert.equal((await status).code, 0);
  assert.ok(performance.now() - started < 6_000);
});

Deno.test("over HTTP/2 a refusal is whole and no error, whether the body ends or not", async () => {
  // Short ones first, and more of them than are read at a time.
  const lengths = Array.from({ length: LINGERING_MAX + 1 }, () => 2);
  lengths.push(30_000, BODY_BYTES, 2 * LINGER_BYTES_MAX);
  for (const length of lengths) {
    for (const isLengthNamed of [true, false]) {
      const session = connect(overTls.url("set"), { ca });
      const { status, text } = await post(session, length, isLengthNamed);
      session.destroy();
      assert.equal(status, 401);
      assert.match(text, /"status":401/);
    }
  }
});

/** A row that is not valid, and many behind it. */
const BAD_CSV = `user_id,spp\nann,x\n${"bob,2\n".repeat(500_000)}`;

/** The beginning of gzip, and nothing but zeros behind it. */
const DAMAGED_GZIP = new Uint8Array(BODY_BYTES);
DAMAGED_GZIP.set([0x1f, 0x8b, 8]);

/** Requests whose reading has begun when they are refused. */
const BEGUN: [path: string, body: Uint8Array<ArrayBuffer>, status: number][] = [
  ["/import", new TextEncoder().encode(BAD_CSV), 400],
  ["/import", DAMAGED_GZIP, 400],
  ["/set", new Uint8Array(BODY_BYTES), 413],
];

Deno.test("curl can read the refusal of a body whose reading has begun, over HTTP/1.1 and HTTP/2", async () => {
  const file = `${folder.path}/body`;
  for (const [path, body, status] of BEGUN) {
    Deno.writeFileSync(file, body);
    for (const version of ["--http1.1", "--http2"]) {
      for (const isLengthNamed of [true, false]) {
        // Of a set that names its length nothing is read.
        if (path === "/set" && isLengthNamed) continue;
        const answer = await runProgram("curl", [
          ...["-s", "--insecure", version, "--user", `${USER}:${PASSWORD}`],
          ...isLengthNamed
            ? ["--data-binary", `@${file}`]
            : ["--request", "POST", "--upload-file", "-"],
          `${overTls.url("set")}${path}`,
        ], isLengthNamed ? "" : body);
        const problem = JSON.parse(new TextDecoder().decode(answer));
        assert.equal(problem.status, status, `${path} ${version}`);
      }
    }
  }
});

/**
 * Sends a body over HTTP/2, as far as it is taken, and reads the answer.
 *
 * @throws {Error} If the stream is reset with another code than NO_ERROR.
 */
async function post(
  session: ClientHttp2Session,
  length: number,
  isLengthNamed: boolean,
): Promise<{ status: number | undefined; text: string }> {
  const stream = session.request({
    ":method": "POST",
    ":path": "/import",
    ...(isLengthNamed && { "content-length": String(length) }),
  });
  let status: number | undefined;
  let text = "";
  const ended = Promise.withResolvers<void>();
  stream.setEncoding("utf8");
  stream.on("response", (headers) => status = headers[":status"]);
  stream.on("data", (part) => text += part);
  stream.on("error", ended.reject);
  stream.on("end", ended.resolve);
  for (let sent = 0; sent < length && !stream.closed; sent += CHUNK.length) {
    if (stream.write(CHUNK.subarray(0, length - sent))) continue;
    const drained = Promise.withResolvers<void>();
    stream.once("drain", drained.resolve);
    await Promise.race([drained.promise, ended.promise]);
    stream.off("drain", drained.resolve);
    if (stream.readableEnded) break;
  }
  stream.end();
  await ended.promise;
  return { status, text };
}
