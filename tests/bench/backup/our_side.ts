/**
 * Backup and warm start of the service, measured.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  type BackupInfo,
  parseBackupInfo,
} from "../../../src/snapshot/format/backup_info.ts";
import { readBackup } from "../../../src/snapshot/format/read_backup.ts";
import { writeBackup } from "../../../src/snapshot/format/write_backup.ts";
import { liveSnapshot } from "../../../src/snapshot/live_snapshot.ts";
import { Storage } from "../../../src/storage/storage.ts";
import { Cluster } from "../../support/cluster.ts";
import { AUTHORIZATION } from "../../support/credentials.ts";
import { peakMb } from "../../support/process_usage.ts";
import type { ServiceProcess } from "../../support/service_process.ts";

/** How long a start may take: 10 million users, on a busy machine. */
const START_PATIENCE_MS = 300_000;

/** @returns What a replica's backup says of itself. */
async function backupInfo(replica: ServiceProcess): Promise<BackupInfo> {
  const response = await fetch(`${replica.url("set")}/backup`, {
    headers: { authorization: AUTHORIZATION },
  });
  const { header, rows } = await readBackup(response.body!);
  for await (const _ of rows) { /* to its end */ }
  return parseBackupInfo(header);
}

/** How a replica has started. */
export interface Start {
  /** From the start of its process to both listeners' readiness. */
  readonly rowsPerSecond: number;
  /** The most memory that its process has had until then. */
  readonly peak_mb: number;
}

/** A broker and a replica that has many users. */
export class OurSide implements AsyncDisposable {
  #donor: ServiceProcess;

  private constructor(
    readonly users: number,
    readonly cluster: Cluster,
    donor: ServiceProcess,
    private readonly env: Record<string, string>,
  ) {
    this.#donor = donor;
  }

  /** The replica that has the users. */
  get donor(): ServiceProcess {
    return this.#donor;
  }

  /**
   * Starts a replica and fills it from a file, as a peer would.
   *
   * @param users How many users it gets.
   * @param folder Where the file is written.
   * @param env More variables for it.
   */
  static async start(
    users: number,
    folder: string,
    env: Record<string, string> = {},
  ): Promise<OurSide> {
    const cluster = await Cluster.start(1, env);
    const [first] = cluster.replicas;
    // A snapshot with users is at an entry.
    await (await first.set({ user_id: "user-0" })).body?.cancel();
    const place = await backupInfo(first);
    await first.end("SIGTERM");
    const storage = new Storage();
    for (let i = 0; i < users; i++) {
      storage.set({
        user_id: `user-${i}`,
        postpaid_limit: i,
        spp: i % 7,
        shipping_fee: 100,
        return_fee: 200,
      });
    }
    const file = `${folder}/${users}.csv.gz`;
    await Deno.writeFile(
      file,
      writeBackup(liveSnapshot(place, storage.snapshot()), place.made),
    );
    const donor = await cluster.startReplica(0, {
      ...env,
      PEERS: `file://${file}`,
    }, START_PATIENCE_MS);
    const side = new OurSide(users, cluster, donor, env);
    await side.#checkUsers();
    return side;
  }

  #rowsPerSecond(started_ms: number): number {
    return this.users / (performance.now() - started_ms) * 1000;
  }

  async #checkUsers(): Promise<void> {
    const { users } = await this.donor.statusJson();
    if (users !== this.users) throw new Error(`${users} users are restored`);
  }

  /** Downloads a backup and throws it away. @returns Rows a second. */
  async backup(): Promise<number> {
    const started = performance.now();
    const response = await fetch(`${this.donor.url("set")}/backup`, {
      headers: { authorization: AUTHORIZATION },
    });
    if (response.status !== 200) throw new Error(await response.text());
    for await (const _ of response.body!) { /* as fast as it comes */ }
    return this.#rowsPerSecond(started);
  }

  /**
   * Has a snapshot made at the broker and read back. @returns Rows a second.
   */
  async snapshot(): Promise<number> {
    const started = performance.now();
    const response = await fetch(`${this.donor.url("set")}/snapshot`, {
      method: "POST",
      headers: { authorization: AUTHORIZATION },
    });
    const said = await response.text();
    if (response.status !== 200) throw new Error(said);
    return this.#rowsPerSecond(started);
  }

  /**
   * Ends the donor, so that no replica is alive, and starts it anew from the
   * newest snapshot at the broker.
   */
  async coldStart(): Promise<Start> {
    await this.donor.end("SIGTERM");
    const started = performance.now();
    this.#donor = await this.cluster.startReplica(
      0,
      this.env,
      START_PATIENCE_MS,
    );
    const rowsPerSecond = this.#rowsPerSecond(started);
    await this.#checkUsers();
    return { rowsPerSecond, peak_mb: peakMb(this.donor.pid) };
  }

  /**
   * Starts a replica that fills itself from the donor, and ends it.
   *
   * @param probe Whether it is probed while it restores, every 10 ms.
   * @returns How it has started, and the longest that a probe waited, in ms.
   */
  async warmStart(
    probe: boolean,
  ): Promise<Start & { longestProbe_ms: number }> {
    const started = performance.now();
    const joining = this.cluster.startReplica(1, {
      ...this.env,
      PEERS: this.donor.url("set"),
    }, START_PATIENCE_MS);
    const replica = this.cluster.spawned(1)!;
    let done = false;
    let longestProbe_ms = 0;
    const probing = (async () => {
      if (!probe) return;
      await replica.line(({ state }) => state === "restoring");
      while (!done) {
        const asked = performance.now();
        const response = await fetch(`${replica.url("get")}/healthz`);
        await response.body?.cancel();
        longestProbe_ms = Math.max(longestProbe_ms, performance.now() - asked);
        await sleep(10);
      }
    })();
    await joining;
    const rowsPerSecond = this.#rowsPerSecond(started);
    done = true;
    await probing;
    const peak_mb = peakMb(replica.pid);
    await replica.end("SIGTERM");
    return { rowsPerSecond, peak_mb, longestProbe_ms };
  }

  /**
   * Loads the donor with gets, by wrk.
   *
   * @param seconds How long.
   * @returns The 99th percentile of their latency in ms; undefined without wrk.
   */
  async getsP99(seconds: number): Promise<number | undefined> {
    try {
      const { stdout } = await new Deno.Command("wrk", {
        args: [
          ...["-t", "1", "-c", "16", "-d", `${seconds}s`, "--latency"],
          `${this.donor.url("get")}/get?user_id=user-777`,
        ],
      }).output();
      const match = /99%\s+([\d.]+)(us|ms|s)/.exec(
        new TextDecoder().decode(stdout),
      )!;
      return Number(match[1]) * { us: 0.001, ms: 1, s: 1000 }[match[2]]!;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
  }
}
