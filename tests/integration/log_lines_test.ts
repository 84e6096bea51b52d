import assert from "node:assert/strict";
import { connect } from "nats";
import { AUTHORIZATION, PASSWORD, USER } from "../support/credentials.ts";
import { eventually } from "../support/eventually.ts";
import { Cluster } from "../support/cluster.ts";
import { freePort } from "../support/ports.ts";
import { ROOT, startArguments } from "../support/start_command.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** How many bytes a pipe holds, by default (pipe(7)). */
const PIPE_BYTES = 65_536;

/** For requests that may never be answered. */
function within(): RequestInit {
  return { signal: AbortSignal.timeout(5_000) };
}

/** A service whose stderr is a full pipe that nobody reads. */
class UnreadService implements AsyncDisposable {
  readonly #folder = new TemporaryFolder();
  readonly #pipe = `${this.#folder.path}/stderr`;
  readonly #child: Deno.ChildProcess;
  readonly setUrl: string;
  readonly getUrl: string;

  constructor() {
    const [setPort, getPort] = [freePort(), freePort()];
    this.setUrl = `http://127.0.0.1:${setPort}`;
    this.getUrl = `http://127.0.0.1:${getPort}`;
    this.#child = new Deno.Command("sh", {
      args: [
        "-c",
        // Opened for both, since to open it for writing waits for a reader.
        `mkfifo "$1" && exec 2<>"$1" && head -c ${PIPE_BYTES} /dev/zero >&2 && shift && exec "$@"`,
        "sh",
        this.#pipe,
        Deno.execPath(),
        ...startArguments(this.#folder.path),
      ],
      cwd: ROOT,
      stdin: "null",
      stdout: "null",
      stderr: "null",
      env: {
        SET_PORT: String(setPort),
        GET_PORT: String(getPort),
        AUTH_USER: USER,
        AUTH_PASSWORD: PASSWORD,
        DATA_DIR: this.#folder.path,
      },
    }).spawn();
  }

  async ready(): Promise<void> {
    await eventually(async () => {
      const response = await fetch(`${this.setUrl}/readyz`, within());
      await response.body?.cancel();
      assert.equal(response.status, 200);
    });
  }

  /** Reads the pipe until something has come. */
  async read(until: RegExp): Promise<string> {
    using file = await Deno.open(this.#pipe);
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(PIPE_BYTES);
    let text = "";
    while (!until.test(text)) {
      const count = await file.read(buffer);
      if (count === null) break;
      text += decoder.decode(buffer.subarray(0, count));
    }
    return text;
  }

  async end(): Promise<Deno.CommandStatus> {
    this.#child.kill("SIGTERM");
    return await this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#child.status;
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("nobody reads stderr: sets and gets go on, and SIGTERM ends the service in time", async () => {
  await using service = new UnreadService();
  await service.ready();
  const set = await fetch(`${service.setUrl}/set`, {
    ...within(),
    method: "POST",
    body: '{"user_id":"a","spp":1}',
    headers: { authorization: AUTHORIZATION },
  });
  assert.equal((await set.json()).spp, 1);
  const got = await fetch(`${service.getUrl}/get?user_id=a`, within());
  assert.equal((await got.json()).spp, 1);
  const started = performance.now();
  assert.equal((await service.end()).code, 0);
  assert.ok(performance.now() - started < 5_000);
});

Deno.test("lines wait for a reader who comes late, with a command to try that has no password", async () => {
  await using service = new UnreadService();
  await service.ready();
  const text = await service.read(/State ready/);
  assert.match(text, /The set listener is at/);
  assert.ok(text.includes(`curl -u ${USER} ${service.setUrl}/set -d `), text);
  assert.ok(text.includes(`curl '${service.getUrl}/get?user_id=`), text);
  assert.ok(!text.includes(PASSWORD));
});

Deno.test("lines that come with every entry are few, and the rest of them is counted", async () => {
  await using cluster = await Cluster.start(1);
  const [replica] = cluster.replicas;
  const client = await connect({ servers: cluster.broker.url });
  for (let i = 0; i < 500; i++) client.publish("usergrade.v1.set.x", "poison");
  await client.drain();
  await eventually(async () => {
    const { log } = await replica.statusJson();
    assert.equal(log.applied_sequence, 500);
  });
  await replica.end("SIGTERM");
  const messages = replica.lines.map(({ message }) => message);
  const skipped = messages.filter((one) =>
    /^Entry \d+ of the log is skipped/.test(one)
  );
  assert.equal(skipped.length, 20);
  assert.ok(messages.some((one) => /480 more lines like this one/.test(one)));
});
