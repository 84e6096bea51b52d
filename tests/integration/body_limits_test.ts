import assert from "node:assert/strict";
import { PASSWORD, ServiceProcess, USER } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const AUTHORIZATION = `Authorization: Basic ${
  encoder.encode(`${USER}:${PASSWORD}`).toBase64()
}`;

/** Sends raw bytes and reads until the head of the answer is there. */
async function exchange(
  service: ServiceProcess,
  ...parts: string[]
): Promise<string> {
  const { hostname, port } = new URL(service.url("set"));
  using connection = await Deno.connect({ hostname, port: Number(port) });
  for (const part of parts) {
    try {
      await connection.write(encoder.encode(part));
    } catch {
      break; // The answer came, and the end of the connection with it.
    }
  }
  let answer = "";
  const buffer = new Uint8Array(4096);
  while (!answer.includes("\r\n\r\n")) {
    const count = await connection.read(buffer);
    if (count === null) break;
    answer += decoder.decode(buffer.subarray(0, count));
  }
  return answer;
}

function head(...lines: string[]): string {
  return ["POST /set HTTP/1.1", "Host: x", AUTHORIZATION, ...lines, "", ""]
    .join("\r\n");
}

Deno.test("POST /set answers 413 to a body over MAX_BODY_BYTES, by length or in chunks", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    env: { MAX_BODY_BYTES: "100" },
  });
  const fits = JSON.stringify({ user_id: "x" }).padEnd(100);
  const ok = await service.set(fits);
  assert.equal(ok.status, 200);
  await ok.body?.cancel();
  const large = await service.set(fits + " ");
  assert.equal(large.status, 413);
  assert.match((await large.json()).detail, /at most 100 bytes/);

  // No byte of the body is needed to say so.
  assert.match(
    await exchange(service, head("Content-Length: 1000000")),
    /^HTTP\/1.1 413 /,
  );
  const chunk = `32\r\n${" ".repeat(50)}\r\n`;
  const chunked = head("Transfer-Encoding: chunked");
  assert.match(
    await exchange(service, chunked, chunk, chunk, "1\r\n \r\n"),
    /^HTTP\/1.1 413 /,
  );
  assert.match(
    await exchange(
      service,
      chunked,
      chunk,
      `f\r\n{"user_id":"y"}\r\n0\r\n\r\n`,
    ),
    /^HTTP\/1.1 200 /,
  );
});

Deno.test("POST /set answers 408 to a body that does not arrive in 10 s, and the others meanwhile", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  const started = performance.now();
  const slow = [
    exchange(service, head("Content-Length: 20"), '{"user'),
    exchange(service, head("Transfer-Encoding: chunked"), "3\r\nabc\r\n"),
  ];
  for (let i = 0; i < 20; i++) {
    assert.equal((await service.set({ user_id: "a", spp: i })).status, 200);
  }
  for (const answer of await Promise.all(slow)) {
    assert.match(answer, /^HTTP\/1.1 408 /);
  }
  const took = performance.now() - started;
  assert.ok(took >= 9_900 && took < 14_000, `${took} ms`);
});

Deno.test("POST /set survives clients that leave in the middle of a body", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  const { hostname, port } = new URL(service.url("set"));
  for (let i = 0; i < 50; i++) {
    const connection = await Deno.connect({ hostname, port: Number(port) });
    await connection.write(encoder.encode(
      head(i % 2 === 0 ? "Content-Length: 20" : "Transfer-Encoding: chunked") +
        (i % 2 === 0 ? '{"user' : "3\r\nabc\r\n"),
    ));
    connection.close();
  }
  assert.equal((await service.set({ user_id: "a" })).status, 200);
  assert.equal((await service.statusJson()).users, 1);
});
