/**
 * The end of a run: all is healed, nobody asks for anything, and cluster, log
 * and bucket come to rest.
 *
 * @module
 */
import assert from "node:assert/strict";
import Papa from "papaparse";
import { eventually } from "../support/eventually.ts";
import type { Random } from "../support/random.ts";
import type { UserGrade } from "../../src/user_grade.ts";
import { LOG_STREAM } from "./broker_client.ts";
import type { Clients } from "./clients.ts";
import type { FaultCluster } from "./fault_cluster.ts";
import type { KeptSnapshot } from "./history.ts";
import type { ReplicaSlot } from "./replica_slot.ts";
import type { ListedSnapshot } from "./snapshot_bucket.ts";
import type { SnapshotRequests } from "./snapshot_requests.ts";

/** How long the cluster may take to be ready and equal, once all is healed. */
export const QUIET_MAX_MS = 90_000;

/** Sends sets until one is acknowledged. */
async function write(
  clients: Clients,
  slot: ReplicaSlot,
  random: Random,
): Promise<void> {
  await eventually(async () => {
    const outcome = await clients.set(slot, random);
    assert.equal(outcome?.type, "acknowledged");
  }, QUIET_MAX_MS);
}

/**
 * Starts one replica again, from a peer that has had all faults, and waits
 * until every replica takes a set and all have applied the same.
 */
export async function quieten(
  { slots }: FaultCluster,
  clients: Clients,
  random: Random,
): Promise<void> {
  await Promise.all(slots.map((slot) => slot.untilReady(QUIET_MAX_MS)));
  await slots[0].end("SIGKILL");
  slots[0].start(true);
  for (const slot of slots) {
    await slot.untilReady(QUIET_MAX_MS);
    await write(clients, slot, random);
  }
  await untilEqual(slots);
}

/** Waits until all replicas have applied the same. */
export async function untilEqual(slots: readonly ReplicaSlot[]): Promise<void> {
  await eventually(async () => {
    const [first, ...others] = await Promise.all(
      slots.map(async ({ service }) =>
        (await service!.statusJson()).log.applied_sequence
      ),
    );
    for (const sequence of others) assert.equal(sequence, first);
  }, QUIET_MAX_MS);
}

/**
 * Lets each replica make a snapshot: each takes away what its own uploads have
 * left that were killed. The first one makes the last snapshot, since it is the
 * one that deletes and cuts. Then all replicas are killed, and have nothing but
 * snapshots and log to start from.
 *
 * @returns The two snapshots that are kept.
 */
export async function settleSnapshots(
  cluster: FaultCluster,
  clients: Clients,
  requests: SnapshotRequests,
  random: Random,
): Promise<KeptSnapshot[]> {
  const { slots } = cluster;
  for (const slot of [...slots.slice(1), slots[0]]) {
    await write(clients, slot, random);
    await eventually(
      async () => assert.ok(await requests.ask(slot), requests.refusal),
      QUIET_MAX_MS,
    );
  }
  const kept = await eventually(() => tidy(cluster), QUIET_MAX_MS);
  const read = await Promise.all(kept.map((one) => readBack(cluster, one)));
  await Promise.all(slots.map((slot) => slot.end("SIGKILL")));
  for (const slot of slots) slot.start(false);
  await Promise.all(slots.map((slot) => slot.untilReady(QUIET_MAX_MS)));
  await untilEqual(slots);
  return read;
}

/**
 * @returns The snapshots that are kept.
 * @throws {Error} If there is anything else, or the log is not cut behind them.
 */
async function tidy(
  { brokers, bucket }: FaultCluster,
): Promise<ListedSnapshot[]> {
  const { firstSequence } = await brokers.ask((client) =>
    client.look(LOG_STREAM)
  );
  const kept = await bucket.list();
  assert.equal(kept.length, 2, "two snapshots are kept");
  for (const { isVerified, chunkId, name } of kept) {
    assert.ok(isVerified, `${name} is not verified`);
    assert.ok(!bucket.damaged.has(chunkId), `${name} was damaged`);
  }
  assert.equal(firstSequence, kept[1].sequence, "the log begins there");
  assert.deepEqual(await bucket.orphans(), [], "no chunks are left over");
  return kept;
}

/** Reads a snapshot with none of the product's own code. */
async function readBack(
  { bucket }: FaultCluster,
  snapshot: ListedSnapshot,
): Promise<KeptSnapshot> {
  const { name, sequence } = snapshot;
  const bytes = await bucket.read(snapshot);
  const text = await new Response(
    new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")),
  ).text();
  const { data }: { data: string[][] } = Papa.parse(text, {
    skipEmptyLines: true,
  });
  const [, ...rows] = data;
  const users = rows.map(([user_id, ...numbers]): UserGrade => {
    const [postpaid_limit, spp, shipping_fee, return_fee] = numbers.map(Number);
    return { user_id, postpaid_limit, spp, shipping_fee, return_fee };
  });
  return { name, sequence, users };
}
