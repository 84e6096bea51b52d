import assert from "node:assert/strict";
import { readNats } from "../../src/config/nats.ts";
import { VariableReader } from "../../src/config/variable_reader.ts";
import { passwordLine } from "../../src/password_line.ts";
import {
  type ComposeFile,
  configContent,
  readComposeFile,
} from "../support/compose_file.ts";
import { basicAuthorization } from "../support/credentials.ts";
import { eventually } from "../support/eventually.ts";
import { NatsServer } from "../support/nats_server.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { ROOT } from "../support/start_command.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** Everything that a shell, YAML, Compose or NATS' configuration could take. */
const HARD_PASSWORD = ` a'b"c\\d$e\${HOME}$$f#g\`h{i}é:\\"12 `;

const compose = readComposeFile();

Deno.test("docker-compose.yml builds one image from files that are there, with the lock file frozen and the packages before the sources", () => {
  for (const name of ["replica-a", "replica-b"]) {
    const { build, image } = compose.services[name];
    assert.equal(image, "usergrade");
    const steps = [
      ...build!.dockerfile_inline.matchAll(/^(COPY|RUN) (.+)$/gm),
    ].map(([, step, words]) => [step, ...words.split(" ")]);
    assert.deepEqual(steps.slice(0, 3), [
      ["COPY", "deno.json", "deno.lock", "./"],
      ["RUN", "deno", "install", "--frozen"],
      ["COPY", "src", "src"],
    ]);
    const ignored = Deno.readTextFileSync(`${ROOT}.dockerignore`);
    for (const copied of ["deno.json", "deno.lock", "src"]) {
      Deno.statSync(ROOT + copied);
      assert.ok(ignored.includes(`\n!${copied}\n`), copied);
    }
    // What the service loads is made ready, since the image can't be written.
    const [step, , , frozen, ...entries] = steps[3];
    assert.deepEqual([step, frozen], ["RUN", "--frozen"]);
    for (const entry of entries) Deno.statSync(ROOT + entry);
    assert.equal(entries.length, 4);
  }
});

Deno.test("every service of docker-compose.yml is hardened, and open to this machine alone unless told", () => {
  for (const [name, service] of Object.entries(compose.services)) {
    assert.equal(service.read_only, true, name);
    assert.deepEqual(service.cap_drop, ["ALL"], name);
    assert.deepEqual(service.security_opt, ["no-new-privileges:true"], name);
    assert.match(service.mem_limit ?? "", /^\d+[gm]$/, name);
    assert.ok(service.logging?.options["max-size"], name);
    assert.ok(service.logging?.options["max-file"], name);
    assert.equal(service.restart, "unless-stopped", name);
    for (const port of service.ports ?? []) {
      assert.match(port, /^127\.0\.0\.1:/, name);
    }
  }
  assert.equal(compose.services["replica-a"].user, "deno");
  const open = readComposeFile({ PROXY_ADDRESS: "0.0.0.0" }).services;
  assert.deepEqual(open.proxy.ports, [
    "0.0.0.0:8000:8000",
    "0.0.0.0:8001:8001",
  ]);
  assert.match(open["replica-a"].ports![0], /^127\.0\.0\.1:/);
});

/** The variable that the file's command makes of a password file. */
async function quotedPassword(path: string): Promise<string> {
  const { entrypoint, command } = compose.services.nats;
  const script = command[0]
    .replace("/run/secrets/nats_password", path)
    .replace(
      /^exec nats-server -c \/etc\/nats\/usergrade\.conf$/m,
      'printf %s "$NATS_PASSWORD_QUOTED"',
    );
  const [shell, ...args] = entrypoint!;
  const { success, stdout } = await new Deno.Command(shell, {
    args: [...args, script],
    stderr: "null",
  }).output();
  assert.ok(success, "the password is refused");
  return new TextDecoder().decode(stdout);
}

/** Starts the broker with the configuration of the file. */
async function startBroker(
  compose: ComposeFile,
  passwordFile: string,
): Promise<NatsServer> {
  const content = configContent(compose, "nats")
    // The test's server has its own port, store and monitor.
    .replace(/^port: 4222$/m, "")
    .replace(/^http: 127\.0\.0\.1:8222$/m, "http: 127.0.0.1:-1")
    .replace(/^jetstream \{$/m, "jetstream: {")
    .replace(/^ *store_dir: \/data$/m, 'store_dir: "STORE"');
  assert.match(content, /sync_interval: always/);
  const env = { NATS_PASSWORD_QUOTED: await quotedPassword(passwordFile) };
  try {
    return await NatsServer.start(content, "whole", env);
  } catch (error) {
    if (!/sync_interval/.test((error as Error).message)) throw error;
    // A server before 2.10 does not know it.
    return await NatsServer.start(
      content.replace(/^ *sync_interval: always$/m, ""),
      "whole",
      env,
    );
  }
}

/** Waits until the health checks of the file see what is so. */
async function testHealthChecks(
  replica: ServiceProcess,
  broker: NatsServer,
): Promise<void> {
  // The health check's own command, at this replica's port.
  const [kind, ...words] = compose.services["replica-a"].healthcheck.test;
  assert.equal(kind, "CMD");
  const { host } = new URL(replica.url("get"));
  const check = async () => {
    const [deno, ...args] = words.map((word) =>
      word.replaceAll("127.0.0.1:8081", host)
    );
    assert.equal(deno, "deno");
    return (await new Deno.Command(Deno.execPath(), { args }).output()).code;
  };
  assert.equal(await check(), 0);
  await replica.end("SIGKILL");
  assert.notEqual(await check(), 0);

  const { test } = compose.services.nats.healthcheck;
  const path = /127\.0\.0\.1:8222(\S+)$/.exec(test.join(" "))![1];
  await eventually(async () => {
    const health = await fetch(`${broker.monitorUrl()}${path}`);
    assert.deepEqual(await health.json(), { status: "ok" });
  }, 5_000);
}

/**
 * Logs in by hand: the NATS library does not listen to errors of its socket all
 * the while, and a connection that is refused may be reset.
 */
async function answerToWrongPassword({ port }: NatsServer): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(
    new TextEncoder().encode(
      'CONNECT {"user":"usergrade","pass":"wrong","verbose":false}\r\n',
    ),
  );
  let text = "";
  const answers = connection.readable.pipeThrough(new TextDecoderStream());
  for await (const answer of answers) {
    text += answer;
    if (text.includes("-ERR")) break;
  }
  return text;
}

Deno.test("the services of docker-compose.yml run, as local processes with the same commands and environment, with passwords of any characters", async () => {
  using folder = new TemporaryFolder();
  const secrets: Record<string, string> = {};
  for (const name of Object.keys(compose.secrets)) {
    assert.match(compose.secrets[name].file, /^\.\/data\//);
    secrets[`/run/secrets/${name}`] = `${folder.path}/${name}`;
    Deno.writeTextFileSync(
      `${folder.path}/${name}`,
      `${name}${HARD_PASSWORD}\n`,
    );
  }
  await using broker = await startBroker(
    compose,
    secrets["/run/secrets/nats_password"],
  );
  assert.match(await answerToWrongPassword(broker), /Authorization Violation/);
  const start = async (name: string) => {
    const { environment, ports, secrets: names } = compose.services[name];
    // What the ports are published to are the service's defaults.
    for (const port of ports!) assert.match(port, /:(8080|8081)$/);
    assert.deepEqual(names, Object.keys(compose.secrets));
    assert.equal(environment!.HOST, "0.0.0.0");
    const env = Object.entries(environment!).map((
      [name, value],
    ) => [name, secrets[value] ?? value]);
    return await ServiceProcess.start({
      dataDir: folder.path,
      env: {
        ...Object.fromEntries(env),
        AUTH_PASSWORD: "",
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
    headers: {
      authorization: basicAuthorization(
        "tester",
        `auth_password${HARD_PASSWORD}`,
      ),
    },
  });
  assert.equal(response.status, 200, await response.text());
  const sequence = response.headers.get("log-sequence");
  const got = await b.get(`/get?user_id=x&min_sequence=${sequence}`);
  assert.equal((await got.json()).spp, 1);
  assert.equal((await a.statusJson()).replica_id, "a");
  assert.equal((await b.statusJson()).replica_id, "b");
  await testHealthChecks(a, broker);
});

Deno.test("the NATS server of docker-compose.yml does not start without a password", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/password`;
  await assert.rejects(quotedPassword(path));
  Deno.writeTextFileSync(path, "\n");
  await assert.rejects(quotedPassword(path));
  Deno.writeTextFileSync(path, "\ufeff\r\n");
  await assert.rejects(quotedPassword(path));
});

Deno.test("the NATS server of docker-compose.yml reads the password file as the replicas do", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/password`;
  const environment = {
    NATS_URL: "nats://x",
    NATS_USER: "x",
    NATS_PASSWORD_FILE: path,
    AUTH_PASSWORD: "x",
  };
  for (
    const content of ["x", "x\n", "x\r\n", "x\n\r\n", "\ufeffx\r\n", "$2x$1\n"]
  ) {
    Deno.writeTextFileSync(path, content);
    const reader = new VariableReader(environment, {
      readTextFile: Deno.readTextFileSync,
    });
    await readNats(reader, environment);
    assert.deepEqual(reader.problems, []);
    assert.equal(passwordLine(content), content.match(/[$\w]+/)![0]);
    assert.equal(await quotedPassword(path), `"${passwordLine(content)}"`);
  }
});

Deno.test("the NATS server of docker-compose.yml refuses a password that it would take for a bcrypt hash", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/password`;
  for (const version of "abxy") {
    Deno.writeTextFileSync(path, `$2${version}$10$secret\n`);
    await assert.rejects(quotedPassword(path));
  }
});

/** A replica's command, with a program in place of the service. */
class ReplicaCommand implements AsyncDisposable {
  readonly #folder = new TemporaryFolder();
  readonly #child: Deno.ChildProcess;
  readonly status: Promise<Deno.CommandStatus>;

  /** @param service A shell script that stands for `deno task start`. */
  constructor(service: string) {
    const [shell, ...args] = compose.services["replica-a"].command;
    assert.match(args[1], /^deno task start &$/m);
    const deno = `${this.#folder.path}/deno`;
    Deno.writeTextFileSync(
      deno,
      `#!/bin/sh\n[ "$*" = "task start" ] || exit 99\n${service}\n`,
    );
    Deno.chmodSync(deno, 0o755);
    this.#child = new Deno.Command(shell, {
      args,
      env: { PATH: `${this.#folder.path}:${Deno.env.get("PATH")}` },
      stderr: "piped",
    }).spawn();
    this.status = this.#child.status;
  }

  /** Waits for some text that it writes. */
  async says(wanted: RegExp): Promise<void> {
    const decoder = new TextDecoder();
    let text = "";
    for await (
      const bytes of this.#child.stderr.values({ preventCancel: true })
    ) {
      text += decoder.decode(bytes, { stream: true });
      if (wanted.test(text)) return;
    }
    assert.fail(text);
  }

  stop(): void {
    this.#child.kill("SIGTERM");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.stop();
    } catch {
      // It has ended already.
    }
    await this.#child.stderr.cancel().catch(() => {});
    await this.status;
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("a replica of docker-compose.yml hands SIGTERM to the service, and ends with its status", async () => {
  await using replica = new ReplicaCommand(
    "trap 'echo drained >&2; exit 0' TERM; echo up >&2; while :; do sleep 0.05; done",
  );
  await replica.says(/up/);
  replica.stop();
  assert.equal((await replica.status).code, 0);
  await using failed = new ReplicaCommand("exit 1");
  assert.equal((await failed.status).code, 1);
});

Deno.test("a replica of docker-compose.yml with a wrong configuration stays as it is until it is stopped", async () => {
  await using replica = new ReplicaCommand("echo wrong >&2; exit 2");
  let hasEnded = false;
  replica.status.then(() => hasEnded = true);
  await replica.says(/wrong[^]*Correct the configuration/);
  assert.ok(!hasEnded);
  replica.stop();
  assert.equal((await replica.status).code, 2);
});
