import assert from "node:assert/strict";
import project from "../../deno.json" with { type: "json" };
import {
  AUTHORIZATION,
  basicAuthorization,
  PASSWORD,
  USER,
} from "../support/credentials.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/ports.ts";
import { ROOT, startArguments } from "../support/start_command.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** Runs the command to its end. */
async function run(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...startArguments("./data"), ...args],
    cwd: ROOT,
    env,
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

Deno.test("--help lists every variable and --version the version", async () => {
  const help = await run(["--help"], { AUTH_PASSWORD: "verysecret" });
  assert.equal(help.code, 0);
  for (const name of ["HOST", "SET_PORT", "DATA_DIR", "LOG_FORMAT"]) {
    assert.match(help.stdout, new RegExp(`^  ${name} `, "m"));
  }
  assert.doesNotMatch(help.stdout, /verysecret/);
  const version = await run(["--version"]);
  assert.equal(version.stdout, `${project.version}\n`);
  const unknown = await run(["--nope"]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /--nope.*\nTry --help/s);
});

Deno.test("all wrong variables are named at once, with exit status 2", async () => {
  const { code, stderr } = await run([], {
    SET_PORT: "http",
    GET_PORT: "70000",
    LOG_LEVEL: "loud",
    AUTH_PASSWORD_FILE: "/nope/secret",
    TLS_CERT_FILE: "/nope/cert.pem",
  });
  assert.equal(code, 2);
  for (
    const name of [
      "SET_PORT",
      "GET_PORT",
      "LOG_LEVEL",
      "AUTH_PASSWORD_FILE",
      "TLS_KEY_FILE",
    ]
  ) assert.match(stderr, new RegExp(name));
});

Deno.test("a port that is taken ends the start with exit status 1 and its name", async () => {
  using folder = new TemporaryFolder();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  await using service = ServiceProcess.spawn({
    dataDir: folder.path,
    env: { GET_PORT: String(port) },
  });
  const line = await service.line(({ level }) => level === "FATAL");
  assert.match(line.message, new RegExp(`${port} \\(HOST, GET_PORT\\)`));
  assert.equal((await service.status).code, 1);
});

Deno.test("a generated password is printed once and is accepted", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    env: { AUTH_PASSWORD: "" },
  });
  const printed = service.lines.filter(({ message }) =>
    message.startsWith(`Password of user ${USER}: `)
  );
  assert.equal(printed.length, 1);
  const password = printed[0].message.split(": ")[1];
  assert.ok(password.length >= 16);
  const response = await service.set({ user_id: "a" }, {
    headers: { authorization: basicAuthorization(USER, password) },
  });
  assert.equal(response.status, 200);
  await response.body?.cancel();
});

Deno.test("no log line, status or answer holds a password", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    env: { LOG_LEVEL: "debug" },
  });
  await (await service.set({ user_id: "a" })).body?.cancel();
  await (await service.set("{", { headers: { authorization: "Basic x" } }))
    .body?.cancel();
  const status = JSON.stringify(await service.statusJson());
  await service.end("SIGTERM");
  const seen = status + JSON.stringify(service.lines);
  assert.ok(!seen.includes(PASSWORD));
  assert.ok(!seen.includes(btoa(unescape(encodeURIComponent(PASSWORD)))));
});

Deno.test("SIGTERM and SIGINT answer the sets under way, refuse new ones and exit with 0", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    using folder = new TemporaryFolder();
    await using service = await ServiceProcess.start({ dataDir: folder.path });
    let acknowledged = 0;
    const answers = new Set<number>();
    let stopped = false;
    const clients = Array.from({ length: 16 }, async (_, client) => {
      for (let i = 0; !stopped; i++) {
        try {
          const response = await service.set({ user_id: `${client}-${i}` });
          await response.body?.cancel();
          answers.add(response.status);
          if (response.status === 200) acknowledged++;
        } catch {
          stopped = true; // The listener is closed.
        }
      }
    });
    await eventually(() => assert.ok(acknowledged >= 64));
    service.signal(signal);
    service.signal(signal); // A task runner passes it on a second time.
    assert.equal((await service.status).code, 0);
    await Promise.all(clients);
    assert.ok(acknowledged > 0);
    for (const status of answers) assert.ok([200, 503].includes(status));
    await using again = await ServiceProcess.start({ dataDir: folder.path });
    assert.equal((await again.statusJson()).users, acknowledged);
  }
});

Deno.test("SIGTERM ends a service with idle connections and unfinished bodies within seconds", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  const { hostname, port } = new URL(service.url("set"));
  const connections = await Promise.all(
    Array.from(
      { length: 4 },
      () => Deno.connect({ hostname, port: Number(port) }),
    ),
  );
  await connections[0].write(new TextEncoder().encode(
    `POST /set HTTP/1.1\r\nHost: x\r\nAuthorization: ${AUTHORIZATION}\r\nContent-Length: 9\r\n\r\n{`,
  ));
  await connections[1].write(new TextEncoder().encode("GET /get HT"));
  // What is answered after them shows that the service has read them.
  await (await service.set({ user_id: "a" })).body?.cancel();
  const started = performance.now();
  assert.equal((await service.end("SIGTERM")).code, 0);
  assert.ok(performance.now() - started < 8_000);
  for (const connection of connections) connection.close();
});

Deno.test("a data folder that can't be written ends the start with exit status 1 and its path", async () => {
  using folder = new TemporaryFolder();
  const file = `${folder.path}/a file`;
  Deno.writeTextFileSync(file, "");
  await using service = ServiceProcess.spawn({ dataDir: file });
  const line = await service.line(({ level }) => level === "FATAL");
  assert.match(line.message, /Cannot open the log in .*a file/);
  assert.equal((await service.status).code, 1);
});

Deno.test("SIGTERM ends a service that still waits for the broker with exit status 0", async () => {
  using folder = new TemporaryFolder();
  await using service = ServiceProcess.spawn({
    dataDir: folder.path,
    env: { NATS_URL: `nats://127.0.0.1:${freePort()}`, REPLICA_ID: "r0" },
  });
  await service.line(({ message }) => /NATS does not answer/.test(message));
  assert.equal((await service.end("SIGTERM")).code, 0);
});
