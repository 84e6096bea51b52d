/**
 * How large the log becomes when sets come at full speed, and how a cluster
 * starts from nothing but the broker after that.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type JetStreamManager } from "nats";
import { OurSide } from "../backup/our_side.ts";
import { peakMb } from "../../support/process_usage.ts";
import type { LoadGenerator } from "../http/load.ts";

const CONNECTIONS = 64;

/** How often the size of the log is read. */
const SAMPLE_MS = 100;

/** The stream, and that of its bucket. */
const LOG = "USERGRADE";
const BUCKET = "OBJ_USERGRADE-snapshots";

/** What was measured. */
export interface LogGrowth {
  readonly users: number;
  readonly seconds: number;
  readonly snapshot_log_bytes: number;
  readonly sets_per_s: number;
  /** How many entries these sets made. */
  readonly entries: number;
  /** What all of them would take. */
  readonly written_bytes: number;
  readonly snapshots: number;
  /** Of the newest one. */
  readonly snapshot_bytes: number;
  readonly highest_log_bytes: number;
  /** What the log may have at most: two intervals, and five snapshots. */
  readonly limit_bytes: number;
  readonly highest_bucket_bytes: number;
  /** The most memory of the replica that took the sets and made the snapshots. */
  readonly peak_mb: number;
  /** Of a start afterwards, out of the broker alone. */
  readonly cold_start_s: number;
  readonly cold_start_peak_mb: number;
}

/** How it is measured. */
export interface LogGrowthOptions {
  readonly users: number;
  /** How long sets are sent. */
  readonly seconds: number;
  readonly snapshotLogBytes: number;
  readonly generator: LoadGenerator;
  /** For files. */
  readonly folder: string;
}

/**
 * @returns What was measured.
 * @throws {Error} If a set was lost.
 */
export async function measureLogGrowth(
  options: LogGrowthOptions,
): Promise<LogGrowth> {
  const { users, seconds, snapshotLogBytes, generator, folder } = options;
  await using side = await OurSide.start(users, folder, {
    SNAPSHOT_LOG_BYTES: String(snapshotLogBytes),
  });
  const client = await connect({ servers: side.cluster.broker.url });
  try {
    const sizes = new Sizes(await client.jetstreamManager());
    const { signal } = new AbortController();
    const stop = new AbortController();
    const sampling = sizes.sample(stop.signal);
    const { per_s } = await generator.generate({
      url: side.donor.url("set"),
      kind: "set",
      population: users,
      connections: CONNECTIONS,
      seconds,
    }, signal).finally(() => stop.abort());
    await sampling;
    const { donor } = side;
    const { digest, log } = await donor.statusJson();
    const written = donor.lines.filter(isWritten);
    const peak = peakMb(donor.pid);
    const snapshotBytes = Number(written.at(-1)?.bytes ?? 0);
    const { rowsPerSecond, peak_mb } = await side.coldStart();
    const after = await side.donor.statusJson();
    if (after.digest !== digest) throw new Error("a set was lost");
    return {
      users,
      seconds,
      snapshot_log_bytes: snapshotLogBytes,
      sets_per_s: per_s,
      entries: log.applied_sequence,
      written_bytes: sizes.written,
      snapshots: written.length,
      snapshot_bytes: snapshotBytes,
      highest_log_bytes: sizes.highestLog,
      limit_bytes: 2 * snapshotLogBytes + 5 * snapshotBytes,
      highest_bucket_bytes: sizes.highestBucket,
      peak_mb: peak,
      cold_start_s: users / rowsPerSecond,
      cold_start_peak_mb: peak_mb,
    };
  } finally {
    await client.close();
  }
}

function isWritten({ message }: { message: string }): boolean {
  return /^Snapshot at sequence \S+ written to/.test(message);
}

/** The sizes of two streams, read again and again. */
class Sizes {
  highestLog = 0;
  highestBucket = 0;
  /** What was added to the log. */
  written = 0;
  #last = 0;

  constructor(private readonly manager: JetStreamManager) {}

  /** Reads until it is aborted. */
  async sample(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const log = await this.#bytes(LOG);
      this.highestLog = Math.max(this.highestLog, log);
      this.highestBucket = Math.max(
        this.highestBucket,
        await this.#bytes(BUCKET),
      );
      // A cut makes it smaller by more than what comes meanwhile.
      this.written += Math.max(0, log - this.#last);
      this.#last = log;
      await sleep(SAMPLE_MS);
    }
  }

  async #bytes(stream: string): Promise<number> {
    try {
      return (await this.manager.streams.info(stream)).state.bytes;
    } catch {
      return 0; // The first snapshot makes the bucket.
    }
  }
}
