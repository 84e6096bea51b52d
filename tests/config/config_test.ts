import assert from "node:assert/strict";
import { readClientConfig } from "../../src/config/client_config.ts";
import { readConfig } from "../../src/config/config.ts";
import { ConfigError } from "../../src/config/variable_reader.ts";
import { createCertificates } from "../support/certificates.ts";

const permissions = "none";

const FILES: Record<string, string> = {
  "/password": "from a file\n",
  "/two-lines": "a\r\nb\n",
  "/empty-line": "a\n\nb\n",
  "/with-bom": "\ufeffa\r\n",
  "/empty-end": "a\nb\n\n\r\n",
  "/empty": "",
  "/latin-1": "caf\ufffd\n",
  "/only-lines": "\n\n",
  "/five-lines": "a\nb\nc\nd\ne\n",
  "/garbage": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
};

const { cert, key, ca } = await createCertificates("config");
const other = await createCertificates("other");
Object.assign(FILES, {
  "/cert": cert,
  "/chain": cert + ca,
  "/key": key,
  "/ca": ca,
  "/other-key": other.key,
  "/half-chain": cert + FILES["/garbage"],
  "/cut-chain": cert + ca.slice(0, 100),
  "/joined": `# two authorities\n${ca.trimEnd()}${other.ca}`,
});

function read(environment: Record<string, string> = {}) {
  return readConfig(environment, {
    readTextFile: (path) => {
      if (FILES[path] === undefined) throw new Error(`no ${path}`);
      return FILES[path];
    },
    hostname: () => "my host.example",
    randomBytes: (count) => new Uint8Array(count).fill(7),
  });
}

async function problems(
  environment: Record<string, string>,
): Promise<readonly string[]> {
  try {
    await read(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

Deno.test({
  name:
    "readConfig() has the contract's defaults, and counts an empty variable as unset",
  permissions,
  fn: async () => {
    for (const environment of [{}, { SET_PORT: "", AUTH_PASSWORD: "" }]) {
      assert.deepEqual(await read(environment), {
        host: "127.0.0.1",
        setPort: 8080,
        getPort: 8081,
        credentials: {
          user: "admin",
          passwords: [new Uint8Array(18).fill(7).toBase64()],
        },
        passwordIsGenerated: true,
        replicaId: "my-host-example-07070707",
        dataDir: "./data",
        nats: undefined,
        peers: [],
        peersCa: undefined,
        isNewLogWanted: false,
        restoreFrom: undefined,
        healAfter_ms: 10_000,
        snapshots: {
          logBytes: 64 * 1024 * 1024,
          interval_ms: undefined,
          folder: undefined,
        },
        commitTimeout_ms: 5000,
        bodyBytesMax: 262144,
        isReadOnly: false,
        shutdownDelay_ms: 0,
        tls: undefined,
        logLevel: "info",
        logFormat: "text",
      });
    }
  },
});

Deno.test({
  name: "readConfig() reads passwords and certificates from files",
  permissions,
  fn: async () => {
    const config = await read({
      AUTH_PASSWORD_FILE: "/password",
      TLS_CERT_FILE: "/cert",
      TLS_KEY_FILE: "/key",
    });
    assert.deepEqual(config.credentials.passwords, ["from a file"]);
    assert.equal(config.passwordIsGenerated, false);
    assert.deepEqual(config.tls, { cert, key });
    const two = await read({ AUTH_PASSWORD_FILE: "/two-lines" });
    assert.deepEqual(two.credentials.passwords, ["a", "b"]);
    const bom = await read({ AUTH_PASSWORD_FILE: "/with-bom" });
    assert.deepEqual(bom.credentials.passwords, ["a"]);
    const end = await read({ AUTH_PASSWORD_FILE: "/empty-end" });
    assert.deepEqual(end.credentials.passwords, ["a", "b"]);
  },
});

Deno.test({
  name: "readConfig() reads whether the service is read-only",
  permissions,
  fn: async () => {
    assert.equal((await read({ READ_ONLY: "yes" })).isReadOnly, true);
    assert.equal((await read({ READ_ONLY: "no" })).isReadOnly, false);
  },
});

Deno.test({
  name: "readConfig() names every wrong variable at once and repeats no secret",
  permissions,
  fn: async () => {
    const wrong: Record<string, string> = {
      SET_PORT: "-1",
      GET_PORT: "0x50",
      AUTH_USER: "a:b",
      AUTH_PASSWORD: "tab\tbed",
      REPLICA_ID: "a b",
      COMMIT_TIMEOUT_MS: "1e3",
      MAX_BODY_BYTES: "0",
      READ_ONLY: "1",
      SHUTDOWN_DELAY_MS: "2s",
      TLS_CERT_FILE: "/nope",
      TLS_KEY_FILE: "/key",
      LOG_LEVEL: "verbose",
      LOG_FORMAT: "xml",
    };
    const found = await problems(wrong);
    for (const name of Object.keys(wrong)) {
      if (name === "TLS_KEY_FILE") continue;
      assert.ok(found.some((problem) => problem.startsWith(name)), name);
    }
    assert.ok(!found.join().includes("bed"));
  },
});

Deno.test({
  name:
    "readConfig() reads how to reach the broker, and asks for a password to share",
  permissions,
  fn: async () => {
    const config = await read({
      NATS_URL: "nats://a:4222, tls://b.example,[::1]:4222",
      NATS_TOKEN: "t",
      NATS_TLS_CA_FILE: "/ca",
      AUTH_PASSWORD: "p",
    });
    assert.deepEqual(config.nats, {
      servers: ["nats://a:4222", "tls://b.example", "[::1]:4222"],
      user: undefined,
      password: undefined,
      passwordFile: undefined,
      token: "t",
      credsFile: undefined,
      caFile: "/ca",
      stream: "USERGRADE",
      streamReplicas: 1,
    });
    for (
      const name of [
        "NATS_USER",
        "NATS_PASSWORD",
        "NATS_PASSWORD_FILE",
        "NATS_TOKEN",
        "NATS_CREDS_FILE",
        "NATS_TLS_CA_FILE",
        "NATS_STREAM",
        "NATS_STREAM_REPLICAS",
      ]
    ) {
      assert.match(
        (await problems({ [name]: "/ca" })).join("\n"),
        new RegExp(`${name} must not be set without NATS_URL`),
      );
    }
    const url = "nats://a:4222";
    const fromFile = await read({
      NATS_URL: url,
      NATS_USER: "u",
      NATS_PASSWORD_FILE: "/password",
      AUTH_PASSWORD: "p",
    });
    assert.equal(fromFile.nats?.passwordFile, "/password");
    assert.match((await problems({ NATS_URL: url }))[0], /^AUTH_PASSWORD/);
    const wrong: Record<string, string>[] = [
      { NATS_URL: "http://a" },
      { NATS_URL: "nats://a:99999" },
      { NATS_URL: "nats://user:password@a" },
      { NATS_URL: url, NATS_USER: "u" },
      { NATS_URL: url, NATS_PASSWORD_FILE: "/password" },
      { NATS_URL: url, NATS_USER: "u", NATS_PASSWORD_FILE: "/nope" },
      { NATS_URL: url, NATS_USER: "u", NATS_PASSWORD_FILE: "/two-lines" },
      {
        NATS_URL: url,
        NATS_USER: "u",
        NATS_PASSWORD: "p",
        NATS_PASSWORD_FILE: "/password",
      },
      { NATS_URL: url, NATS_TOKEN: "t", NATS_CREDS_FILE: "/key" },
      { NATS_URL: url, NATS_CREDS_FILE: "/nope" },
      { NATS_URL: url, NATS_STREAM: "a.b" },
      { NATS_URL: url, NATS_STREAM_REPLICAS: "0" },
    ];
    for (const environment of wrong) {
      const found = await problems({ AUTH_PASSWORD: "p", ...environment });
      assert.equal(found.length, 1, JSON.stringify(environment));
      assert.match(found[0], /^NATS_/);
      assert.doesNotMatch(found[0], /user:password/);
    }
  },
});

Deno.test({
  name: "readConfig() gives each peer its own credentials, or the replica's",
  permissions,
  fn: async () => {
    const environment = {
      NATS_URL: "nats://a:4222",
      AUTH_USER: "me",
      AUTH_PASSWORD: "mine",
    };
    const { peers } = await read({
      ...environment,
      PEERS: "http://b:8080, https://u:p%40ss@c/,file:///b@ckup.csv.gz",
    });
    assert.deepEqual(peers, [
      { url: "http://b:8080/", user: "me", password: "mine" },
      { url: "https://c/", user: "u", password: "p@ss" },
      { url: "file:///b@ckup.csv.gz", user: "me", password: "mine" },
    ]);
    for (
      const PEERS of [
        "b:8080",
        "nats://b",
        "http://b,,",
        "http://b,http://a%zz:b@h",
        "http://a:b%ff@h",
        "http://a:12/secret@h",
        "http://a:sec/ret@h",
      ]
    ) {
      const [problem] = await problems({ ...environment, PEERS });
      assert.match(problem, /^PEERS/);
      assert.doesNotMatch(problem, /sec|ret/);
    }
    assert.match(
      (await problems({ PEERS: "http://b" }))[0],
      /^PEERS needs NATS_URL/,
    );
  },
});

Deno.test({
  name:
    "readConfig() puts certificates on lines of their own where files were joined without a line end",
  permissions,
  fn: async () => {
    const { peersCa } = await read({ PEERS_TLS_CA_FILE: "/joined" });
    assert.equal(peersCa, `${ca}\n${other.ca}`);
  },
});

Deno.test({
  name: "readConfig() refuses variables that contradict each other",
  permissions,
  fn: async () => {
    assert.equal(
      (await problems({ SET_PORT: "80", GET_PORT: "80" })).length,
      1,
    );
    assert.equal((await problems({ SET_PORT: "0", GET_PORT: "0" })).length, 0);
    assert.equal((await problems({ TLS_CERT_FILE: "/cert" })).length, 1);
    assert.equal(
      (await problems({ AUTH_PASSWORD: "a", AUTH_PASSWORD_FILE: "/password" }))
        .length,
      1,
    );
  },
});

Deno.test({
  name: "readConfig() refuses invalid passwords, in a file too",
  permissions,
  fn: async () => {
    for (
      const AUTH_PASSWORD_FILE of [
        "/empty-line",
        "/five-lines",
        "/empty",
        "/only-lines",
        "/latin-1",
      ]
    ) {
      const [problem, ...more] = await problems({ AUTH_PASSWORD_FILE });
      assert.match(problem, /^AUTH_PASSWORD_FILE must hold 1 to 4 lines/);
      assert.equal(more.length, 0);
    }
    assert.equal(
      (await problems({ AUTH_PASSWORD: "x".repeat(1025) })).length,
      1,
    );
    assert.equal(
      (await problems({ AUTH_PASSWORD: "é".repeat(1024) })).length,
      0,
    );
  },
});

Deno.test({
  name:
    "readConfig() names the variable of a certificate or a key that is none, or not the other's",
  permissions,
  fn: async () => {
    const tls = (TLS_CERT_FILE: string, TLS_KEY_FILE: string) =>
      problems({ TLS_CERT_FILE, TLS_KEY_FILE });
    assert.deepEqual(await tls("/chain", "/key"), []);
    for (const bad of ["/password", "/garbage", "/key", "/half-chain"]) {
      const found = await tls(bad, "/key");
      assert.equal(found.length, 1, bad);
      assert.match(found[0], /^TLS_CERT_FILE /);
    }
    for (const bad of ["/password", "/garbage", "/cert", "/other-key"]) {
      const found = await tls("/cert", bad);
      assert.equal(found.length, 1, bad);
      assert.match(found[0], /^TLS_KEY_FILE /);
      assert.ok(!found[0].includes("from a file"));
    }
    const cluster = { NATS_URL: "nats://a", AUTH_PASSWORD: "p" };
    for (const name of ["PEERS_TLS_CA_FILE", "NATS_TLS_CA_FILE"]) {
      assert.deepEqual(await problems({ ...cluster, [name]: "/ca" }), []);
      for (const bad of ["/password", "/garbage", "/key", "/cut-chain"]) {
        assert.match(
          (await problems({ ...cluster, [name]: bad }))[0],
          new RegExp(`^${name} `),
        );
      }
    }
  },
});

Deno.test({
  name:
    "readConfig() refuses a DATA_DIR with a comma, which --allow-write would split",
  permissions,
  fn: async () => {
    assert.match(
      (await problems({ DATA_DIR: "/a,b" }))[0],
      /^DATA_DIR .*comma/,
    );
  },
});

Deno.test({
  name: "readConfig() reads PEM files that begin with a byte order mark",
  permissions,
  fn: async () => {
    FILES["/bom-cert"] = `\ufeff${cert}`;
    FILES["/bom-key"] = `\ufeff${key}`;
    const config = await read({
      TLS_CERT_FILE: "/bom-cert",
      TLS_KEY_FILE: "/bom-key",
    });
    assert.deepEqual(config.tls, { cert, key });
  },
});

Deno.test({
  name:
    "readClientConfig() reads what a command needs, and refuses it as readConfig() does",
  permissions,
  fn: async () => {
    const readTextFile = (path: string) => {
      if (FILES[path] === undefined) throw new Error(`no ${path}`);
      return FILES[path];
    };
    const client = (environment: Record<string, string>) =>
      readClientConfig(environment, { readTextFile });
    assert.deepEqual(await client({}), {
      setPort: 8080,
      user: "admin",
      password: undefined,
      ca: undefined,
    });
    assert.deepEqual(
      await client({ AUTH_PASSWORD_FILE: "/two-lines", SET_PORT: "80" }),
      { setPort: 80, user: "admin", password: "a", ca: undefined },
    );
    assert.match(
      (await client({ PEERS_TLS_CA_FILE: "/chain" })).ca ?? "",
      /BEGIN CERTIFICATE/,
    );
    const wrong: Record<string, string>[] = [
      { AUTH_PASSWORD_FILE: "/nope" },
      { AUTH_PASSWORD_FILE: "/password", AUTH_PASSWORD: "a" },
      { SET_PORT: "http" },
      { AUTH_USER: "a:b" },
      { PEERS_TLS_CA_FILE: "/garbage" },
    ];
    for (const environment of wrong) {
      await assert.rejects(client(environment), ConfigError);
    }
  },
});

Deno.test({
  name: "readConfig() reads when snapshots are made, and where besides the log",
  permissions,
  fn: async () => {
    assert.deepEqual(
      (await read({
        SNAPSHOT_LOG_BYTES: "1000",
        SNAPSHOT_INTERVAL_MINUTES: "60",
        SNAPSHOT_DIR: "/backups",
        SNAPSHOTS_KEPT: "7",
      })).snapshots,
      {
        logBytes: 1000,
        interval_ms: 3_600_000,
        folder: { path: "/backups", kept: 7 },
      },
    );
    assert.equal(
      (await read({ SNAPSHOT_LOG_BYTES: "0" })).snapshots.logBytes,
      0,
    );
    const { folder } = (await read({ SNAPSHOT_DIR: "/backups" })).snapshots;
    assert.equal(folder?.kept, 2);
    const wrong: [environment: Record<string, string>, problem: RegExp][] = [
      [{ SNAPSHOT_LOG_BYTES: "64 MiB" }, /^SNAPSHOT_LOG_BYTES must be an int/],
      [{ SNAPSHOT_INTERVAL_MINUTES: "0" }, /^SNAPSHOT_INTERVAL_MINUTES must/],
      [{ SNAPSHOT_DIR: "/a,b" }, /^SNAPSHOT_DIR must not contain a comma/],
      [
        { SNAPSHOT_DIR: "/a", SNAPSHOTS_KEPT: "0" },
        /^SNAPSHOTS_KEPT must be an integer from 1 to 1000/,
      ],
      [{ SNAPSHOTS_KEPT: "3" }, /^SNAPSHOTS_KEPT needs SNAPSHOT_DIR/],
      [
        { SNAPSHOT_LOG_BYTES: "0", SNAPSHOT_INTERVAL_MINUTES: "5" },
        /^SNAPSHOT_INTERVAL_MINUTES has no effect/,
      ],
    ];
    for (const [environment, problem] of wrong) {
      const [found, ...more] = await problems(environment);
      assert.match(found, problem);
      assert.deepEqual(more, []);
    }
  },
});

Deno.test({
  name:
    "readConfig() reads what a replica does about a log that is not there or has lost entries",
  permissions,
  fn: async () => {
    const cluster = { NATS_URL: "nats://a", AUTH_PASSWORD: "p" };
    const { isNewLogWanted, restoreFrom, healAfter_ms } = await read({
      ...cluster,
      NEW_LOG: "yes",
      RESTORE_FROM: "file:///backups/a%20b.csv.gz",
      HEAL_AFTER_MS: "0",
    });
    assert.ok(isNewLogWanted);
    assert.equal(restoreFrom, "file:///backups/a%20b.csv.gz");
    assert.equal(healAfter_ms, 0);
    // A standalone service restores a file too.
    assert.deepEqual(await problems({ RESTORE_FROM: "file:///a.csv" }), []);
    const wrong: [environment: Record<string, string>, problem: RegExp][] = [
      [{ NEW_LOG: "yes" }, /^NEW_LOG needs NATS_URL/],
      [{ ...cluster, NEW_LOG: "maybe" }, /^NEW_LOG must be one of/],
      [{ HEAL_AFTER_MS: "5000" }, /^HEAL_AFTER_MS needs NATS_URL/],
      [
        { ...cluster, HEAL_AFTER_MS: "3600001" },
        /^HEAL_AFTER_MS must be an integer from 0 to 3600000/,
      ],
    ];
    for (
      const RESTORE_FROM of [
        "/backups/a.csv.gz",
        "a.csv.gz",
        "http://a/backup",
        "file://host/a.csv.gz",
        "file:///a.csv.gz?x",
        "file:///a.csv#x",
      ]
    ) {
      wrong.push([
        { RESTORE_FROM },
        /^RESTORE_FROM must be a file: URL, as in/,
      ]);
    }
    for (const [environment, problem] of wrong) {
      const [found, ...more] = await problems(environment);
      assert.match(found, problem);
      assert.deepEqual(more, []);
    }
  },
});
