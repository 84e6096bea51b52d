import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { backupOf, storageOf } from "../support/backup_bytes.ts";
import { Cluster } from "../support/cluster.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** A peer whose error answers have no end: one fast, one by the byte. */
function endlessPeer(): Deno.HttpServer<Deno.NetAddr> {
  const flood = new Uint8Array(64 * 1024).fill(120);
  return Deno.serve(
    {
      hostname: "127.0.0.1",
      port: 0,
      onListen() {},
      onError: () => new Response(),
    },
    ({ url }) => {
      const isFast = url.includes("/fast/");
      const body = new ReadableStream<Uint8Array>({
        pull: async (controller) => {
          if (!isFast) await sleep(50);
          controller.enqueue(isFast ? flood : flood.subarray(0, 1));
        },
      });
      return new Response(body, { status: isFast ? 500 : 503 });
    },
  );
}

Deno.test("unusable peers hold a start neither by answers without an end nor open files, and no proxy hears of them", async () => {
  using folder = new TemporaryFolder();
  await using peer = endlessPeer();
  const address = `http://127.0.0.1:${peer.addr.port}`;
  let proxied = 0;
  await using proxy = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => {
      proxied++;
      return new Response();
    },
  );
  await using cluster = await Cluster.start(1);
  const [donor] = cluster.replicas;
  await (await donor.set({ user_id: "a", spp: 1 })).body?.cancel();
  const file = async (
    name: string,
    info: { logId: string; sequence: number },
  ) => {
    const storage = storageOf([{
      user_id: "b",
      postpaid_limit: 0,
      spp: 0,
      shipping_fee: 0,
      return_fee: 0,
    }]);
    const path = `${folder.path}/${name}`;
    Deno.writeFileSync(path, await backupOf(storage, info));
    return `file://${path}`;
  };
  const { log } = await donor.statusJson();
  const replica = await cluster.startReplica(1, {
    PEERS: [
      `${address}/fast/`,
      `${address}/slow/`,
      await file("other.csv.gz", { logId: "other", sequence: 7 }),
      await file("zero.csv.gz", { logId: log.id, sequence: 0 }),
      donor.url("set"),
    ].join(),
    ...Object.fromEntries(
      ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"]
        .map((name) => [name, `http://127.0.0.1:${proxy.addr.port}`]),
    ),
  });
  const reasons = replica.lines.map(({ message }) => message)
    .filter((message) => message.startsWith("Snapshot from "));
  const expected = [
    /refused: 500/,
    /unreachable: no answer within 5000 ms|not ready: 503/,
    /of another log/,
    /of no log: it has 1 users at sequence 0/,
    /ok, 1 users at sequence 1/,
  ];
  assert.equal(reasons.length, expected.length, reasons.join("\n"));
  for (const [i, reason] of reasons.entries()) {
    assert.match(reason, expected[i]);
  }
  assert.equal(proxied, 0);
  const { stdout } = await new Deno.Command("ls", {
    args: ["-l", `/proc/${replica.pid}/fd`],
  }).output();
  assert.ok(!new TextDecoder().decode(stdout).includes(folder.path));
});
