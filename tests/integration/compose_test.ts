import assert from "node:assert/strict";
import { type ComposeFile, readComposeFile } from "../support/compose_file.ts";
import { basicAuthorization } from "../support/credentials.ts";
import { eventually } from "../support/eventually.ts";
import { NatsServer } from "../support/nats_server.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import project from "../../deno.json" with { type: "json" };

const PASSWORDS = { AUTH_PASSWORD: "12345", NATS_PASSWORD: "67890" };

Deno.test("docker-compose.yml asks for both passwords and has a default for neither", () => {
  for (const missing of Object.keys(PASSWORDS)) {
    assert.throws(
      () => readComposeFile({ ...PASSWORDS, [missing]: "" }),
      new RegExp(`${missing} must be set`),
    );
  }
});

Deno.test("docker-compose.yml builds from files that are there, with the lock file frozen", () => {
  const { services } = readComposeFile(PASSWORDS);
  for (const name of ["replica-a", "replica-b"]) {
    const { build } = services[name];
    const copied = [...build!.dockerfile_inline.matchAll(/^COPY (.+) \S+$/gm)]
      .flatMap(([, files]) => files.split(" "));
    assert.deepEqual(copied, ["deno.json", "deno.lock", "src"]);
    for (const file of copied) {
      Deno.statSync(new URL(`../../${file}`, import.meta.url));
    }
    assert.match(build!.dockerfile_inline, /deno install --frozen/);
  }
});

/** Starts the broker with the configuration of the file. */
async function startBroker({ configs }: ComposeFile): Promise<NatsServer> {
  const content = configs.nats.content
    // The test's server has its own port, store and monitor.
    .replace(/^port: 4222$/m, "")
    .replace(/^http: 127\.0\.0\.1:8222$/m, "http: 127.0.0.1:-1")
    .replace(/^jetstream \{$/m, "jetstream: {")
    .replace(/^ *store_dir: \/data$/m, 'store_dir: "STORE"');
  assert.match(content, /sync_interval: always/);
  try {
    return await NatsServer.start(content, "whole");
  } catch (error) {
    if (!/sync_interval/.test((error as Error).message)) throw error;
    // A server before 2.10 does not know it.
    return await NatsServer.start(
      content.replace(/^ *sync_interval: always$/m, ""),
      "whole",
    );
  }
}

Deno.test("the services of docker-compose.yml run, as local processes with the same commands and environment", async () => {
  const compose = readComposeFile(PASSWORDS);
  await using broker = await startBroker(compose);
  using folder = new TemporaryFolder();
  const start = async (name: string) => {
    const { command, environment, ports } = compose.services[name];
    assert.deepEqual(command, ["deno", "task", "start"]);
    assert.ok(project.tasks.start.command.includes("src/main.ts"));
    // What the ports are published to are the service's defaults.
    for (const port of ports!) assert.match(port, /:(8080|8081)$/);
    assert.equal(environment!.HOST, "0.0.0.0");
    return await ServiceProcess.start({
      dataDir: folder.path,
      env: {
        ...environment,
        // Loopback, and ports of its own, since all share one machine here.
        HOST: "127.0.0.1",
        NATS_URL: environment!.NATS_URL.replace(
          "nats:4222",
          `127.0.0.1:${broker.port}`,
        ),
      },
    });
  };
  await using a = await start("replica-a");
  await using b = await start("replica-b");
  const response = await a.set({ user_id: "x", spp: 1 }, {
    headers: { authorization: basicAuthorization("tester", "12345") },
  });
  assert.equal(response.status, 200);
  const sequence = response.headers.get("log-sequence");
  await response.body?.cancel();
  const got = await b.get(`/get?user_id=x&min_sequence=${sequence}`);
  assert.equal((await got.json()).spp, 1);
  assert.equal((await a.statusJson()).replica_id, "a");
  assert.equal((await b.statusJson()).replica_id, "b");

  // The health check's own command, at this replica's port.
  const [kind, ...words] = compose.services["replica-a"].healthcheck.test;
  assert.equal(kind, "CMD");
  const check = async (service: ServiceProcess) => {
    const { host } = new URL(service.url("get"));
    const [deno, ...args] = words.map((word) =>
      word.replaceAll("127.0.0.1:8081", host)
    );
    assert.equal(deno, "deno");
    return (await new Deno.Command(Deno.execPath(), { args }).output()).code;
  };
  assert.equal(await check(a), 0);
  await a.end("SIGKILL");
  assert.notEqual(await check(a), 0);

  const { test } = compose.services.nats.healthcheck;
  const path = /127\.0\.0\.1:8222(\S+)$/.exec(test.join(" "))![1];
  await eventually(async () => {
    const health = await fetch(`${broker.monitorUrl()}${path}`);
    assert.deepEqual(await health.json(), { status: "ok" });
  }, 5_000);
});
