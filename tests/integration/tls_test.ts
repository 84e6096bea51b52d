import assert from "node:assert/strict";
import { makeCertificates } from "../support/certificates.ts";
import { Cluster } from "../support/cluster.ts";
import { PASSWORD, USER } from "../support/credentials.ts";
import { eventually } from "../support/eventually.ts";
import { findProgram } from "../support/programs.ts";
import { runTask } from "../support/run_task.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const HOUR_MS = 60 * 60 * 1000;

/** Runs curl; its exit status and what it printed. */
async function curl(...args: string[]) {
  const { code, stdout } = await new Deno.Command(findProgram("curl")!, {
    args: ["-sS", ...args],
    stderr: "null",
  }).output();
  return { code, text: new TextDecoder().decode(stdout) };
}

/** curl's status for a certificate that it does not trust. */
const CURL_UNTRUSTED = 60;

Deno.test("curl connects to both listeners over HTTP/2 and HTTP/1.1 with the CA certificate, and not without it, and so does a backup", async () => {
  using folder = new TemporaryFolder();
  const { ca, cert, key } = await makeCertificates(folder.path, "server");
  await using service = ServiceProcess.spawn({
    dataDir: folder.path,
    env: { TLS_CERT_FILE: cert, TLS_KEY_FILE: key },
  });
  await service.line(({ state }) => state === "ready");
  const set = `${service.url("set")}/set`;
  const get = `${service.url("get")}/get?user_id=a`;
  const data = ["-u", `${USER}:${PASSWORD}`, "-d", '{"user_id":"a","spp":1}'];
  for (const version of ["--http2", "--http1.1"]) {
    const done = await curl("--cacert", ca, version, ...data, set);
    assert.match(done.text, /"spp":1/);
    const got = await curl("--cacert", ca, version, get);
    assert.match(got.text, /"spp":1/);
    const wrong = await curl("--cacert", ca, version, "-d", "{}", set);
    assert.match(wrong.text, /"status":401/);
  }
  for (const url of [set, get]) {
    assert.equal((await curl(url)).code, CURL_UNTRUSTED);
    // Plain HTTP gets no answer to take for one.
    assert.notEqual((await curl(url.replace("https:", "http:"))).code, 0);
  }
  const backup = (env: Record<string, string>) =>
    runTask(
      folder.path,
      ["backup", "one.csv.gz", "--from", service.url("set")],
      { env },
    );
  const refused = await backup({});
  assert.equal(refused.code, 1);
  assert.match(
    refused.text,
    /no CA .* Name the file of its CA in PEERS_TLS_CA/,
  );
  const saved = await backup({ PEERS_TLS_CA_FILE: ca });
  assert.match(saved.text, /^one\.csv\.gz: 1 rows, as of sequence 2/);
  assert.equal((await service.end("SIGTERM")).code, 0);
});

Deno.test("a file that is no certificate or key ends the start with exit status 2 and the variable's name", async () => {
  using folder = new TemporaryFolder();
  const { cert, key } = await makeCertificates(folder.path, "server");
  const other = await makeCertificates(folder.path, "other");
  const garbage = `${folder.path}/garbage.pem`;
  Deno.writeTextFileSync(garbage, "garbage");
  const cases: [Record<string, string>, string][] = [
    [{ TLS_CERT_FILE: garbage, TLS_KEY_FILE: key }, "TLS_CERT_FILE"],
    [{ TLS_CERT_FILE: cert, TLS_KEY_FILE: garbage }, "TLS_KEY_FILE"],
    [{ TLS_CERT_FILE: cert, TLS_KEY_FILE: other.key }, "TLS_KEY_FILE"],
    [{ PEERS_TLS_CA_FILE: garbage }, "PEERS_TLS_CA_FILE"],
    [{ NATS_TLS_CA_FILE: garbage }, "NATS_TLS_CA_FILE"],
  ];
  for (const [env, name] of cases) {
    await using service = ServiceProcess.spawn({ dataDir: folder.path, env });
    assert.equal((await service.status).code, 2);
    await service.line(({ message }) => message.trim().startsWith(`${name} `));
  }
});

Deno.test("a replica restores from a peer over https with PEERS_TLS_CA_FILE, and it refuses another CA or an expired certificate, which curl does too", async () => {
  using folder = new TemporaryFolder();
  const { ca, cert, key } = await makeCertificates(folder.path, "peer");
  const other = await makeCertificates(folder.path, "other");
  const expired = await makeCertificates(folder.path, "expired", HOUR_MS);
  await using cluster = await Cluster.start(0);
  const spawn = (id: string, env: Record<string, string>) =>
    ServiceProcess.spawn({
      dataDir: folder.path,
      env: { NATS_URL: cluster.broker.url, REPLICA_ID: id, ...env },
    });
  await using peer = spawn("peer", { TLS_CERT_FILE: cert, TLS_KEY_FILE: key });
  await using late = spawn("late", {
    TLS_CERT_FILE: expired.cert,
    TLS_KEY_FILE: expired.key,
  });
  await peer.line(({ state }) => state === "ready");
  await late.line(({ state }) => state === "ready");
  const expiredUrl = `${late.url("get")}/get?user_id=a`;
  const untrusted = await curl("--cacert", expired.ca, expiredUrl);
  assert.equal(untrusted.code, CURL_UNTRUSTED);
  const PEERS = peer.url("set");

  await using replica = spawn("replica", { PEERS, PEERS_TLS_CA_FILE: ca });
  await replica.line(({ message }) =>
    /^Snapshot from "https:.*: ok/.test(message)
  );
  await eventually(async () => {
    assert.equal((await replica.statusJson()).state, "ready");
  });
  const refused: Record<string, string>[] = [
    { PEERS },
    { PEERS, PEERS_TLS_CA_FILE: other.ca },
    { PEERS: late.url("set"), PEERS_TLS_CA_FILE: expired.ca },
  ];
  for (const [i, env] of refused.entries()) {
    await using stranger = spawn(`stranger${i}`, env);
    const { message } = await stranger.line(({ message }) =>
      /^Snapshot from "https:/.test(message)
    );
    assert.match(message, /unreachable: .*certificate/i);
  }
});
