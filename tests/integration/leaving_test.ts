import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { AUTHORIZATION_LINE, head, RawClient } from "../support/raw_client.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const BODY = '{"user_id":"a","spp":1}';
const SET =
  head("POST /set", AUTHORIZATION_LINE, `Content-Length: ${BODY.length}`) +
  BODY;
const GET = head("GET /get?user_id=a");

/** Whether a whole answer with a body has come. */
function isAnswer(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  const length = /\r\ncontent-length: (\d+)/i.exec(text);
  return end !== -1 && length !== null &&
    text.length === end + 4 + Number(length[1]);
}

/** What a client that keeps its connection got. */
interface Kept {
  readonly statuses: Set<string>;
  /** Whether its last request had no answer. */
  readonly isUnanswered: boolean;
}

/**
 * Sends a request again and again on one connection until that ends.
 *
 * @param answered Called for each answer.
 */
async function keepAsking(
  url: string,
  request: string,
  answered: () => void,
): Promise<Kept> {
  using client = await RawClient.connect(url);
  const statuses = new Set<string>();
  for (;;) {
    const isSent = await client.send(request);
    const { text } = await client.receive(isAnswer);
    if (!isSent || !isAnswer(text)) return { statuses, isUnanswered: true };
    statuses.add(text.slice(9, 12));
    answered();
    if (/\r\nconnection: close/i.test(text)) {
      return { statuses, isUnanswered: false };
    }
  }
}

Deno.test("a stop leaves no request without an answer on a connection that is in use", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  await (await service.set(BODY)).body?.cancel();
  let answers = 0;
  const answered = () => answers++;
  const clients = Array.from(
    { length: 32 },
    (_, i) =>
      i % 2 === 0
        ? keepAsking(service.url("set"), SET, answered)
        : keepAsking(service.url("get"), GET, answered),
  );
  await eventually(() => assert.ok(answers > 320));
  assert.equal((await service.end("SIGTERM")).code, 0);
  const kept = await Promise.all(clients);
  assert.deepEqual(kept.filter(({ isUnanswered }) => isUnanswered), []);
  for (const { statuses } of kept) {
    assert.ok(statuses.isSubsetOf(new Set(["200", "503"])));
  }
});

async function readyz(
  service: ServiceProcess,
  listener: "set" | "get",
): Promise<{ status: number; reason: string }> {
  const response = await fetch(`${service.url(listener)}/readyz`);
  const { reason } = await response.json();
  return { status: response.status, reason };
}

Deno.test("with SHUTDOWN_DELAY_MS, requests are served after SIGTERM for that long, while both listeners say that they are not ready", async () => {
  const delay_ms = 4_000;
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    env: { SHUTDOWN_DELAY_MS: String(delay_ms) },
  });
  const started = performance.now();
  service.signal("SIGTERM");
  await eventually(async () => {
    for (const listener of ["set", "get"] as const) {
      const { status, reason } = await readyz(service, listener);
      assert.equal(status, 503);
      assert.match(reason, /SIGTERM.*SHUTDOWN_DELAY_MS/);
    }
  });
  assert.equal((await (await service.set(BODY)).json()).spp, 1);
  const got = await service.get("/get?user_id=a");
  assert.equal((await got.json()).spp, 1);
  assert.ok(performance.now() - started < delay_ms, "the machine is too slow");
  assert.equal((await service.status).code, 0);
  assert.ok(performance.now() - started >= delay_ms);
});

Deno.test("a stop waits for a set under way, longer than connections may linger", async () => {
  await using cluster = await Cluster.start(1, { COMMIT_TIMEOUT_MS: "20000" });
  const [service] = cluster.replicas;
  await (await service.set(BODY)).body?.cancel();
  await cluster.broker.pause();
  const answer = service.set({ user_id: "late" });
  // Once it is published, its answer is for the broker to give.
  await eventually(async () => {
    const metrics = await (await service.get("/metrics")).text();
    assert.match(metrics, /^usergrade_commit_gap_seconds (?!0$)/m);
  });
  service.signal("SIGTERM");
  await sleep(3_000);
  cluster.broker.signal("SIGCONT");
  const response = await answer;
  assert.equal(response.status, 200, await response.text());
  assert.equal((await service.status).code, 0);
});
