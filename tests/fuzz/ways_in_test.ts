import assert from "node:assert/strict";
import fc from "fast-check";
import { SqliteLog } from "../../src/log/sqlite/sqlite_log.ts";
import type { Replica } from "../../src/replica/replica.ts";
import { saveSnapshot } from "../../src/snapshot/store.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { IMPOSSIBLE_IDS, number, ODD_IDS } from "../storage/arbitraries.ts";
import { anyCharacter } from "../support/any_character.ts";
import { restored } from "../support/backup_bytes.ts";
import { LocalService } from "../support/local_service.ts";
import { newSeed } from "../support/random.ts";
import { restoreAll } from "../support/snapshots.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const HEADER = "user_id,postpaid_limit,spp,shipping_fee,return_fee";
const RUNS = 30;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A number as a client may write it. */
const written = number.map((value) => Object.is(value, -0) ? "-0" : `${value}`);

const id = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...ODD_IDS) },
  { weight: 1, arbitrary: fc.constantFrom(...IMPOSSIBLE_IDS) },
  { weight: 2, arbitrary: fc.string({ unit: anyCharacter, maxLength: 20 }) },
);

/** A JSON body, which may hold anything, and the odd id escaped or not. */
const body = fc.record({
  id,
  fields: fc.dictionary(
    fc.constantFrom("postpaid_limit", "spp", "shipping_fee", "return_fee"),
    written,
    { noNullPrototype: true },
  ),
  escaped: fc.boolean(),
  before: fc.constantFrom("", "\ufeff"),
}).map(({ id, fields, escaped, before }) => {
  const quoted = escaped
    ? `"${
      Array.from(
        { length: id.length },
        (_, i) => `\\u${id.charCodeAt(i).toString(16).padStart(4, "0")}`,
      ).join("")
    }"`
    : JSON.stringify(id);
  const members = Object.entries(fields).map(([name, value]) =>
    `,"${name}":${value}`
  );
  return encoder.encode(`${before}{"user_id":${quoted}${members.join("")}}`);
});

/** A CSV file, some of whose rows may be wrong. */
const file = fc.record({
  rows: fc.array(
    fc.tuple(id, written, written, written, written),
    { maxLength: 6 },
  ),
  quoteAll: fc.boolean(),
  before: fc.constantFrom("", "\ufeff"),
}).map(({ rows, quoteAll, before }) => {
  const lines = rows.map(([id, ...numbers]) => {
    const quoted = quoteAll || /[",]/.test(id)
      ? `"${id.replaceAll('"', '""')}"`
      : id;
    return [quoted, ...numbers].join(",");
  });
  return encoder.encode([before + HEADER, ...lines, ""].join("\r\n"));
});

/** An array of bodies, one of which may make it wrong. */
function arrayOf(
  body: fc.Arbitrary<Uint8Array<ArrayBuffer>>,
): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  return fc.array(body, { maxLength: 4 }).map((bodies) =>
    encoder.encode(
      `[${bodies.map((one) => decoder.decode(one)).join(",")}]`,
    )
  );
}

const deletion = id.map((user_id) =>
  encoder.encode(JSON.stringify({ user_id }))
);

type Step =
  | { to: "/set" | "/delete" | "/import"; body: Uint8Array<ArrayBuffer> }
  | { to: "/backup" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.oneof(body, body, arrayOf(body))
      .map((body) => ({ to: "/set" as const, body })),
  },
  {
    weight: 2,
    arbitrary: fc.oneof(deletion, arrayOf(deletion))
      .map((body) => ({ to: "/delete" as const, body })),
  },
  {
    weight: 4,
    arbitrary: file.map((body) => ({ to: "/import" as const, body })),
  },
  { weight: 1, arbitrary: fc.constant({ to: "/backup" as const }) },
);

/** What the embedded log gives back of a snapshot of this replica. */
async function throughStore(replica: Replica): Promise<Storage> {
  using folder = new TemporaryFolder();
  const writer = new SqliteLog(folder.path);
  const { id: logId } = await writer.open();
  using snapshot = replica.snapshot();
  await saveSnapshot(
    { ...snapshot, info: { ...snapshot.info, logId } },
    writer.snapshots,
  );
  await writer.close();
  const reader = new SqliteLog(folder.path);
  await reader.open();
  const [{ id }] = await reader.snapshots.list();
  const { signal } = new AbortController();
  const stored = await reader.snapshots.open(id, signal);
  const storage = await restoreAll(stored);
  await reader.close();
  return storage;
}

/** The state of a replica, as far as two can differ. */
function state({ users, digest }: { users: number; digest: string }) {
  return { users, digest };
}

/** How many answers each kind of step got, by status. */
async function play(steps: readonly Step[], seen: Map<string, number>) {
  const service = new LocalService();
  const { log } = service;
  for (const step of steps) {
    if (step.to !== "/backup") {
      const response = await service.ask(step.to, { body: step.body });
      const text = await response.text();
      assert.ok([200, 400].includes(response.status), text);
      const key = `${step.to} ${response.status}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
      continue;
    }
    // One's own backup holds the state, and importing it changes nothing.
    const before = state(log.proposer);
    const backup = await (await service.ask("/backup")).bytes();
    const copy = await restored(backup, 7);
    assert.deepEqual(state({ users: copy.size, digest: copy.digest }), before);
    const imported = await service.import(backup);
    assert.equal(imported.status, 200, await imported.text());
    assert.deepEqual(state(log.proposer), before);
  }
  const follower = log.follower();
  assert.equal(follower.applied.poisonEntries, 0);
  assert.equal(follower.appliedSequence, log.proposer.appliedSequence);
  assert.deepEqual(state(follower), state(log.proposer));
  const base = await throughStore(log.proposer);
  assert.equal(base.digest, log.proposer.digest);
}

Deno.test("whatever comes in by body, file or backup, a replica that decodes the log is equal to the one that proposed", async () => {
  const seed = Number(Deno.env.get("USERGRADE_TEST_SEED") ?? newSeed());
  const seen = new Map<string, number>();
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 25, size: "max" }),
        (steps) => play(steps, seen),
      ),
      { seed: seed | 0, numRuns: RUNS },
    );
  } catch (error) {
    console.error(`replay with USERGRADE_TEST_SEED=${seed}`);
    throw error;
  }
  for (const path of ["/set", "/delete", "/import"]) {
    for (const key of [`${path} 200`, `${path} 400`]) {
      assert.ok((seen.get(key) ?? 0) > RUNS / 6, `${key}: ${seen.get(key)}`);
    }
  }
});
