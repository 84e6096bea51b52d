import assert from "node:assert/strict";
import fc from "fast-check";
import { connect } from "nats";
import { backupOf, restored, storageOf } from "../support/backup_bytes.ts";
import { Cluster } from "../support/cluster.ts";
import { AUTHORIZATION } from "../support/credentials.ts";
import { eventually } from "../support/eventually.ts";
import { LocalService } from "../support/local_service.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const HEADER = "user_id,postpaid_limit,spp,shipping_fee,return_fee";

const AUTHORIZED = {
  authorization: AUTHORIZATION,
};

/** How many bad files one replica is given: as many as it logs at once. */
const BAD_FILES = 20;

const encoder = new TextEncoder();

const GRADES = Array.from({ length: 300 }, (_, i) => ({
  user_id: `user-${i}`,
  postpaid_limit: i,
  spp: i % 7,
  shipping_fee: -i,
  return_fee: 2 ** 40 + i,
}));

/** Some bytes of a file changed, taken away or put in. */
function mutated(
  bytes: Uint8Array<ArrayBuffer>,
): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  return fc.record({
    kind: fc.constantFrom("flip", "cut", "drop", "insert"),
    at: fc.nat(bytes.length - 1),
    byte: fc.integer({ min: 1, max: 255 }),
  }).map(({ kind, at, byte }) => {
    switch (kind) {
      case "flip":
        return bytes.with(at, bytes[at] ^ byte);
      case "cut":
        return bytes.slice(0, at);
      case "drop":
        return bytesOf(bytes.slice(0, at), bytes.slice(at + byte));
      default:
        return bytesOf(bytes.slice(0, at), [byte], bytes.slice(at));
    }
  });
}

function bytesOf(...parts: Iterable<number>[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const field = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.integer().map(String),
  fc.constantFrom('"', '""', "1.5", "9007199254740992", "\0", "-0", "+1"),
);

const csv = fc.array(fc.array(field, { maxLength: 6 }), { maxLength: 10 })
  .chain((rows) =>
    fc.constantFrom("\r\n", "\n", "\r").map((end) =>
      encoder.encode(
        [HEADER, ...rows.map((row) => row.join(",")), ""].join(end),
      )
    )
  );

Deno.test("POST /import answers any bytes with 200, or with 400 and the line", async () => {
  const service = new LocalService();
  const good = await backupOf(storageOf(GRADES));
  const plain = encoder.encode(
    [HEADER, ...GRADES.map((one) => Object.values(one).join(",")), ""]
      .join("\r\n"),
  );
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        mutated(good),
        mutated(plain),
        csv,
        fc.uint8Array({ maxLength: 200 }).map((bytes) => bytesOf(bytes)),
        fc.uint8Array({ maxLength: 200 })
          .map((bytes) => bytesOf([0x1f, 0x8b, 8], bytes)),
      ),
      async (body) => {
        const response = await service.import(body);
        const answer = await response.json();
        seen.add(response.status);
        if (response.status === 200) {
          assert.ok(Number.isSafeInteger(answer.rows));
        } else {
          assert.equal(response.status, 400, JSON.stringify(answer));
          assert.ok(Number.isSafeInteger(answer.line) && answer.line >= 1);
          assert.ok(Number.isSafeInteger(answer.rows_committed));
        }
      },
    ),
    { numRuns: 400 },
  );
  assert.deepEqual([...seen].sort(), [200, 400]);
});

/** Whether the file holds the same state after all, as some bits mean nothing. */
async function isHarmless(
  bytes: Uint8Array<ArrayBuffer>,
  digest: string,
): Promise<boolean> {
  try {
    return (await restored(bytes)).digest === digest;
  } catch {
    return false;
  }
}

Deno.test("a replica never becomes ready on a damaged file, and does on a good one after it", async () => {
  // Files are all that a replica can start from.
  const env = { SNAPSHOT_LOG_BYTES: "0" };
  await using cluster = await Cluster.start(1, env);
  const [source] = cluster.replicas;
  const filled = await fetch(`${source.url("set")}/import`, {
    method: "POST",
    headers: AUTHORIZED,
    body: await backupOf(storageOf(GRADES)),
  });
  assert.equal(filled.status, 200, await filled.text());
  await (await source.set({ user_id: "last" })).body?.cancel();
  const backup = await fetch(`${source.url("set")}/backup`, {
    headers: AUTHORIZED,
  });
  const good = await backup.bytes();
  const { digest } = await source.statusJson();
  // So that nobody can do without a snapshot.
  const client = await connect({ servers: cluster.broker.url });
  await (await client.jetstreamManager()).streams.purge("USERGRADE", {
    keep: 1,
  });
  await client.close();

  const seed = crypto.getRandomValues(new Int32Array(1))[0];
  const samples = fc.sample(mutated(good), { seed, numRuns: 3 * BAD_FILES });
  const bad = [];
  for (const bytes of samples) {
    if (!await isHarmless(bytes, digest)) bad.push(bytes);
  }
  assert.ok(bad.length >= BAD_FILES, `seed ${seed}`);
  using folder = new TemporaryFolder();
  const files = bad.slice(0, BAD_FILES).map((bytes, i) => {
    const path = `${folder.path}/${i}.csv.gz`;
    Deno.writeFileSync(path, bytes);
    return path;
  });
  const starting = cluster.startReplica(1, {
    ...env,
    PEERS: files.map((path) => `file://${path}`).join(","),
  });
  starting.catch(() => {}); // What is asserted below says more.
  const replica = cluster.spawned(1)!;
  await replica.line(({ message }) => /no snapshot can be had/.test(message));
  const refused = replica.lines.filter(({ message }) =>
    /^Snapshot from "file:.*: "(damaged|unreachable|of another|too old|ahead)/
      .test(
        message,
      )
  );
  assert.equal(refused.length, BAD_FILES, `seed ${seed}`);
  for (const listener of ["set", "get"] as const) {
    const probe = await fetch(`${replica.url(listener)}/readyz`);
    assert.equal(probe.status, 503);
    await probe.body?.cancel();
  }
  Deno.writeFileSync(files[BAD_FILES - 1], good);
  await starting;
  await eventually(() => cluster.agreement());
  assert.equal((await replica.statusJson()).digest, digest);
});
