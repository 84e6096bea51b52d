import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { makeCertificates } from "../support/certificates.ts";
import { makeOperator } from "../support/nats_operator.ts";
import {
  HEALING_SUBJECTS,
  leastPrivileges,
} from "../support/least_privileges.ts";
import { BucketClient } from "../support/bucket_client.ts";
import { eventually } from "../support/eventually.ts";
import { areServersNew, NatsServer } from "../support/nats_server.ts";
import {
  infoAt,
  putFile,
  readFile,
  someBytes,
} from "../support/object_files.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** Starts a replica against a server and sets once. */
async function works(
  server: NatsServer,
  env: Record<string, string>,
): Promise<void> {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    env: { NATS_URL: server.url, ...env },
  });
  const response = await service.set({ user_id: "a" });
  assert.equal(response.status, 200, await response.text());
}

/** Waits until the set listener says why it is not ready. */
async function untilReason(
  service: ServiceProcess,
  reason: RegExp,
): Promise<void> {
  await eventually(async () => {
    const response = await fetch(`${service.url("set")}/readyz`);
    assert.match((await response.json()).reason, reason);
  });
}

/** How many log lines say something. */
function count(service: ServiceProcess, what: RegExp): number {
  return service.lines.filter(({ message }) => what.test(message)).length;
}

const JETSTREAM = 'jetstream { store_dir: "STORE" }';
const REFUSED = /refused the credentials: see NATS_USER/;

Deno.test("a replica waits for a user and password that NATS does not know, at its start and later, says so once, and reads the password's file again", async () => {
  const knowing = (password: string) =>
    `${JETSTREAM}\nauthorization { user: "u", password: "${password}" }`;
  await using server = await NatsServer.start(knowing("other"), "whole");
  using folder = new TemporaryFolder();
  const password = "right password";
  const NATS_PASSWORD_FILE = `${folder.path}/nats-password`;
  await Deno.writeTextFile(NATS_PASSWORD_FILE, password);
  await using service = ServiceProcess.spawn({
    dataDir: folder.path,
    env: { NATS_URL: server.url, NATS_USER: "u", NATS_PASSWORD_FILE },
  });
  await service.line(({ message }) => REFUSED.test(message));
  await untilReason(service, REFUSED);
  // Some attempts more.
  await sleep(2_000);
  assert.equal(count(service, REFUSED), 1);
  await server.reload(knowing(password));
  await service.started();
  const response = await service.set({ user_id: "a" });
  assert.equal(response.status, 200, await response.text());

  await server.stop();
  server.configure(knowing("another"));
  await server.start();
  await service.line(({ message }) => message.startsWith("No set can commit"));
  await untilReason(service, REFUSED);
  const refused = await service.set({ user_id: "a" });
  assert.equal(refused.status, 503);
  await refused.body?.cancel();
  await Deno.writeTextFile(NATS_PASSWORD_FILE, "another\r\n");
  await service.untilReady("set");
  assert.equal((await service.set({ user_id: "a" })).status, 200);
  assert.doesNotMatch(
    JSON.stringify(service.lines),
    /right password|another/,
  );
});

Deno.test("a replica logs in to NATS with a token", async () => {
  await using server = await NatsServer.start(
    'authorization { token: "a long token" }',
  );
  await works(server, { NATS_TOKEN: "a long token" });
});

Deno.test("a replica works with the least permissions that OPERATIONS.md lists", async () => {
  await using server = await NatsServer.start(`authorization {
    users = [
      { user: "creator", password: "c" }
      { user: "a", password: "a", ${leastPrivileges("a")} }
      { user: "b", password: "b", ${leastPrivileges("b")} }
    ]
  }`);
  using folder = new TemporaryFolder();
  const start = (id: string, user: string, password: string) =>
    ServiceProcess.start({
      dataDir: folder.path,
      env: {
        NATS_URL: server.url,
        REPLICA_ID: id,
        NATS_USER: user,
        NATS_PASSWORD: password,
      },
    });
  // The stream is made once, by someone who may.
  await (await start("c", "creator", "c"))[Symbol.asyncDispose]();
  await using a = await start("a", "a", "a");
  await using b = await start("b", "b", "b");
  for (const [index, service] of [a, b].entries()) {
    const response = await service.set({ user_id: "x", spp: index });
    assert.equal(response.status, 200, await response.text());
  }
  await eventually(async () => {
    const { replicas } = await (await a.get("/cluster")).json();
    assert.equal(replicas.length, 2);
    assert.ok(replicas.every(({ equal }: { equal: boolean }) => equal));
  });
  await server.stop();
  await server.start();
  for (const service of [a, b]) {
    // It may say that it is ready before it sees that NATS was away.
    const sequence = await eventually(async () => {
      const response = await service.set({ user_id: "y" });
      assert.equal(response.status, 200, await response.text());
      return response.headers.get("log-sequence");
    });
    for (const other of [a, b]) {
      const got = await other.get(`/get?user_id=y&min_sequence=${sequence}`);
      assert.equal(got.status, 200);
      await got.body?.cancel();
    }
  }
  const operations = Deno.readTextFileSync(
    new URL("../../src/OPERATIONS.md", import.meta.url),
  );
  const lines = leastPrivileges("ID", HEALING_SUBJECTS).split("\n");
  for (const line of lines.slice(1, -1)) {
    assert.ok(operations.includes(line.trim()), line);
  }
});

Deno.test("the least permissions that OPERATIONS.md lists are enough to make the stream and the bucket, and to heal a log that is gone", async () => {
  await using server = await NatsServer.start(`authorization {
    users = [{ user: "a", password: "a", ${
    leastPrivileges("a", HEALING_SUBJECTS)
  } }]
  }`);
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    env: {
      NATS_URL: server.url,
      REPLICA_ID: "a",
      NATS_USER: "a",
      NATS_PASSWORD: "a",
      HEAL_AFTER_MS: "500",
    },
  });
  assert.equal((await service.set({ user_id: "x", spp: 7 })).status, 200);
  await server.stop();
  server.loseStore();
  await server.start();
  if (!areServersNew()) {
    await untilReason(service, /upgrade NATS to 2\.10/);
    return;
  }
  await eventually(async () => {
    const response = await service.set({ user_id: "y" });
    await response.body?.cancel();
    // Entry 2 is the mark of the healing.
    assert.equal(response.headers.get("log-sequence"), "3");
  });
  const { spp } = await (await service.get("/get?user_id=x")).json();
  assert.equal(spp, 7);
});

Deno.test("the least permissions that OPERATIONS.md lists are enough for snapshots in NATS, and for cutting the log", async () => {
  await using server = await NatsServer.start(`authorization {
    users = [
      { user: "creator", password: "c" }
      { user: "a", password: "a", ${leastPrivileges("a")} }
    ]
  }`);
  {
    await using creator = await BucketClient.open(server, {
      user: "creator",
      password: "c",
      replicaId: "c",
    });
    // The bucket is made once, by someone who may. Its chunks are left behind.
    await putFile(creator.files, infoAt(1), someBytes(10));
    await (await creator.files.create(infoAt(2))).write(someBytes(300_000));
  }
  await using client = await BucketClient.open(server, {
    user: "a",
    password: "a",
    replicaId: "a",
  });
  await client.set(5);
  const file = await putFile(client.files, infoAt(3), someBytes(300_000));
  await client.files.markVerified(file.id);
  assert.deepEqual(await readFile(client.files, file.id), someBytes(300_000));
  for (const { id } of await client.files.list()) await client.files.delete(id);
  assert.deepEqual(await client.files.list(), []);
  await client.log.trim(3);
  assert.equal(client.firstSequence, 3);
  assert.deepEqual(client.statuses.map(({ state }) => state), ["connected"]);
});

Deno.test("a replica that may use no snapshots in NATS works, and says once which permission is missing", async () => {
  const configuration = (denied: string) =>
    `jetstream { store_dir: "STORE" }
     authorization {
       users = [{ user: "u", password: "u", permissions { publish: { deny: [
         ${denied}
       ] } } }]
     }`;
  await using server = await NatsServer.start(
    configuration('"$O.>", "$JS.API.STREAM.*.OBJ_USERGRADE-snapshots"'),
    "whole",
  );
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    env: { NATS_URL: server.url, NATS_USER: "u", NATS_PASSWORD: "u" },
  });
  for (let i = 0; i < 3; i++) {
    const set = await service.set({ user_id: "a", spp: i });
    assert.equal(set.status, 200, await set.text());
    const refused = await service.snapshot();
    assert.equal(refused.status, 503);
    assert.match(
      (await refused.json()).detail,
      /does not allow to publish to \$JS\.API\.STREAM\.INFO\.OBJ_USERGRADE-snapshots/,
    );
  }
  assert.equal(count(service, /^Snapshots in .* are off/), 1);
  assert.equal(count(service, /^No set can commit/), 0);
  await server.reload(configuration(""));
  await service.untilReady("set");
  await eventually(async () => {
    const made = await service.snapshot();
    assert.equal(made.status, 200, await made.text());
  });
});

Deno.test("a replica that may not send heartbeats, or not receive them, works, and says once that it is not seen", async () => {
  // Each has a log of its own.
  const denied = {
    MUTE: 'publish: { deny: ["mute-replicas.>"] }',
    DEAF: 'subscribe: { deny: ["deaf-replicas.>"] }',
  };
  const users = Object.entries(denied).map(([name, permissions]) =>
    `{ user: "${name}", password: "p", permissions { ${permissions} } }`
  );
  await using server = await NatsServer.start(
    `authorization { users = [${users.join(", ")}] }`,
  );
  using folder = new TemporaryFolder();
  const spawn = (name: keyof typeof denied) =>
    ServiceProcess.spawn({
      dataDir: folder.path,
      env: {
        NATS_URL: server.url,
        NATS_STREAM: name,
        NATS_USER: name,
        NATS_PASSWORD: "p",
      },
    });
  await using mute = spawn("MUTE");
  await using deaf = spawn("DEAF");
  const both = [mute, deaf];
  const unseen = /do not see each other/;
  for (const service of both) {
    await service.started();
    await service.line(({ message }) => unseen.test(message));
  }
  // Longer than the interval between heartbeats.
  await sleep(3_000);
  const set = async (service: ServiceProcess, user_id: string) => {
    const response = await service.set({ user_id });
    assert.equal(response.status, 200, await response.text());
  };
  for (const service of both) await set(service, "a");
  await server.stop();
  await server.start();
  for (const service of both) {
    await service.line(({ message }) =>
      message.startsWith("No set can commit")
    );
    await service.untilReady("set");
    await set(service, "b");
    const { presence } = await (await service.get("/cluster")).json();
    assert.equal(presence, "off");
    assert.equal(count(service, unseen), 1);
  }
});

Deno.test("a replica that may not publish refuses sets, says why, and stores nothing", async () => {
  await using server = await NatsServer.start(`authorization {
    users = [{ user: "u", password: "u", permissions {
      publish: { deny: ["usergrade.>"] }
    } }]
  }`);
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    env: { NATS_URL: server.url, NATS_USER: "u", NATS_PASSWORD: "u" },
  });
  const response = await service.set({ user_id: "a" });
  assert.equal(response.status, 503);
  assert.match((await response.json()).detail, /does not allow to publish/);
});

Deno.test("a replica connects over TLS with a CA file, refuses a server of another CA, and reads the file again", async () => {
  using folder = new TemporaryFolder();
  const { ca, cert, key } = await makeCertificates(folder.path, "server");
  const other = await makeCertificates(folder.path, "other");
  await using server = await NatsServer.start(
    `tls { cert_file: "${cert}", key_file: "${key}" }`,
  );
  await works(server, {
    NATS_URL: server.url.replace("nats:", "tls:"),
    NATS_TLS_CA_FILE: ca,
  });
  const trusted = `${folder.path}/trusted.pem`;
  Deno.copyFileSync(other.ca, trusted);
  await using service = ServiceProcess.spawn({
    dataDir: folder.path,
    env: { NATS_URL: server.url, NATS_TLS_CA_FILE: trusted },
  });
  await service.line(({ message }) =>
    /over TLS.*NATS_TLS_CA_FILE/.test(message)
  );
  Deno.copyFileSync(ca, trusted);
  await service.started();
});

Deno.test("a replica logs in to NATS with a credentials file, says when the credentials expire, and logs in with those that replace them", async () => {
  using folder = new TemporaryFolder();
  const { creds, configuration, renew } = await makeOperator(folder.path);
  await using server = await NatsServer.start(configuration);
  await using service = await ServiceProcess.start({
    dataDir: folder.path,
    env: { NATS_URL: server.url, NATS_CREDS_FILE: creds },
  });
  // It logs in again with those that expire, which a start may outlast.
  await server.stop();
  await renew(6);
  await server.start();
  const EXPIRED = /expired/;
  await service.line(({ message }) => EXPIRED.test(message));
  await renew();
  await service.untilReady("set");
  const response = await service.set({ user_id: "a" });
  assert.equal(response.status, 200, await response.text());
  assert.ok(count(service, EXPIRED) <= 2);
});
