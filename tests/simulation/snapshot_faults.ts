/**
 * What may go wrong while snapshots are made and the log is cut.
 *
 * @module
 */
import { saveSnapshot } from "../../src/snapshot/store.ts";
import { ObjectBucket } from "../../src/log/jetstream/object_bucket.ts";
import { toldIdentity } from "../../src/log/jetstream/log_identity.ts";
import { FileStore } from "../../src/snapshot/file_store.ts";
import type { SnapshotInfo } from "../../src/snapshot/snapshot.ts";
import { Storage } from "../../src/storage/storage.ts";
import { SimulatedCodec } from "../support/simulated_backup.ts";
import { DATE_MS } from "../support/simulated_broker.ts";
import { snapshotOf } from "../support/snapshots.ts";
import { ServiceFaults } from "./service_faults.ts";
import { NAMES, type SnapshotStorm } from "./snapshot_storm.ts";

/** The log of snapshots that are none of the log's. */
export const STRANGER = "another";

/**
 * @param storm The run.
 * @returns Each fault by its name; it says whether it could be tried.
 */
export function snapshotFaults(
  storm: SnapshotStorm,
): Record<string, (lasts_ms: number) => boolean> {
  const { broker, objects, random, time } = storm;
  const faults = new ServiceFaults(storm);
  const anyService = () =>
    storm.services.length === 0 ? undefined : random.pick(storm.services);
  return {
    "a replica dies": (ms) => {
      const service = anyService();
      if (service !== undefined) storm.kill(service, ms);
      return service !== undefined;
    },
    "a replica dies at a step": () => faults.dieAtSteps(40),
    "all replicas die": (ms) => {
      // What is on its way may still come, and a limit takes the oldest for it.
      const isLimited = (broker.stream?.config.max_msgs ?? -1) > 0;
      if (!storm.promises.isRestorable || isLimited) return false;
      storm.killAll(() => random.below(ms + 1));
      return true;
    },
    "a replica is stopped": (ms) => {
      const service = anyService();
      if (service !== undefined) faults.stop(service, 2 * ms);
      return service !== undefined;
    },
    "a replica is cut off": (ms) => {
      anyService()?.replica.cutOff(2 * ms);
      return true;
    },
    "the broker restarts": (ms) => storm.restart(ms / 4),
    "no answers": (ms) => faults.noAnswers(ms),
    "nobody hears anybody": (ms) => faults.deafen(2 * ms, NAMES),
    "one is not heard": (ms) => faults.deafen(2 * ms, [random.pick(NAMES)]),
    "permissions are taken": (ms) => {
      const who = random.pick([...NAMES, undefined]);
      const part = random.pick([
        "$",
        "$O.",
        "STREAM.PURGE.USERGRADE",
        "STREAM.PURGE.OBJ",
        "STREAM.MSG.GET.OBJ",
        "STREAM.INFO.OBJ",
      ]);
      return faults.forbid(ms, who, part);
    },
    "the bucket is full": (ms) => faults.fillBucket(ms),
    "the log refuses": (ms) => {
      const { refuse } = storm.weather;
      return faults.during(
        ms,
        () => storm.weather.refuse = 100,
        () => storm.weather.refuse = refuse,
      );
    },
    "a limit takes entries": () => {
      const { stream } = broker;
      if (stream === undefined) return false;
      stream.config = { ...stream.config, max_msgs: 10 + random.below(30) };
      return true;
    },
    "a server is behind": (ms) => {
      const { stream } = broker;
      if (stream === undefined || broker.servers === 1) return false;
      const behind = stream.copy();
      behind.cut(Math.max(behind.first - 1, behind.last - random.below(20)));
      return faults.fallBehind(ms, behind);
    },
    "a snapshot is damaged": () => {
      const kept = storm.promises.snapshots;
      // Never both: nobody could restore anything then.
      if (kept.some(({ isWhole }) => !isWhole)) return false;
      const isSpare = kept.filter(({ meta }) => meta.isVerified).length >= 2;
      const choice = kept.filter(({ meta }) => isSpare || !meta.isVerified);
      if (choice.length === 0) return false;
      storm.mayBeDamaged = true;
      objects.damage(random.pick(choice).meta, (n) => random.below(n));
      return true;
    },
    "a snapshot of another log is there": () => {
      if (broker.stream === undefined) return false;
      plant(
        storm,
        { logId: STRANGER, sequence: random.below(1_000) },
        () => storm.strangers++,
        // The bucket may be full, before or after that.
      ).catch(() => {});
      return true;
    },
    "a snapshot of another history is there": () => {
      const { stream } = broker;
      if (stream === undefined || stream.last < 2) return false;
      // Newer than most of those that replicas have made.
      const sequence = stream.last - random.below(2);
      plant(storm, { sequence }).catch(() => {});
      return true;
    },
    "a snapshot is beyond the log": (ms) => {
      const { stream } = broker;
      if (stream === undefined || stream.last === 0) return false;
      const sequence = stream.last + 1_000;
      const planted = plant(storm, { sequence }).catch(() => {});
      time.after(ms, async () => {
        await planted;
        // An operator has seen what it was.
        for (const { meta } of objects.snapshots()) {
          if (meta.info.sequence === sequence) objects.remove(meta);
        }
      });
      return true;
    },
    "the log loses its tail": (ms) => {
      const { stream } = broker;
      if (stream === undefined || broker.behind !== undefined) return false;
      const saved = stream.copy();
      saved.cut(stream.last - random.below(stream.last + 2 - stream.first));
      broker.stream = saved;
      if (!storm.promises.isRestorable || storm.services.length === 0) {
        broker.stream = stream;
        return false;
      }
      storm.loseTail();
      // Those that have applied more would be ahead of the log for good.
      storm.killAll(() => random.below(ms + 1));
      return true;
    },
  };
}

/**
 * Someone stores a snapshot that is none of this log's.
 *
 * @param stored Called once it is there.
 */
async function plant(
  { broker, objects, random, time }: SnapshotStorm,
  lies: Partial<SnapshotInfo>,
  stored: () => void = () => {},
): Promise<void> {
  const storage = new Storage();
  storage.set({ user_id: "stranger" });
  const bucket = new ObjectBucket(
    { stream: "USERGRADE", replicaId: "stranger" },
    () => ({
      ask: (subject, body) =>
        Promise.try(() =>
          subject === "STREAM.INFO.USERGRADE"
            ? { config: { num_replicas: 1 } }
            : objects.answer(
              subject,
              JSON.stringify(body ?? {}),
              time.now,
            ) as Record<string, unknown>
        ),
      request: (subject, data, options) =>
        Promise.try(() => ({
          ...objects.publish(subject, data, options?.headers, time.now),
        })),
    }),
  );
  const store = new FileStore(
    "a bucket",
    bucket,
    { now: () => DATE_MS + time.now, codec: new SimulatedCodec(random) },
  );
  const logId = toldIdentity(broker.stream!.config)!;
  const info = { logId, ...lies };
  using snapshot = snapshotOf(storage, info);
  const { id } = await saveSnapshot(snapshot, store);
  stored();
  await store.verify(id, new AbortController().signal);
}
