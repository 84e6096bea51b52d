/**
 * Replicas of a broker that loses what it has.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Brokers, type ServerCount } from "../fault/brokers.ts";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** How long replicas wait for a fuller one here. */
const HEAL_AFTER_MS = 1_000;

/**
 * How long sets may stay away, once the broker answers again. It takes less than
 * 5 s more than replicas wait, on a machine that has little else to do.
 */
export const SETS_BACK_MAX_MS = HEAL_AFTER_MS + 20_000;

/** What a replica says that holds a state. */
export interface View {
  readonly id: string;
  readonly sequence: number;
  readonly digest: string;
  readonly users: number;
}

/** A broker of one or three servers, and replicas. */
export class HealWorld implements AsyncDisposable {
  readonly replicas: ServiceProcess[] = [];
  readonly #folder = new TemporaryFolder();
  /** All that ever were started. */
  readonly #spawned: ServiceProcess[] = [];

  private constructor(
    readonly brokers: Brokers,
    private readonly env: Record<string, string>,
  ) {}

  /**
   * Starts a broker and replicas named `r0`, `r1` and so on.
   *
   * @param env More variables for each replica.
   */
  static async start(
    servers: ServerCount,
    replicas: number,
    env: Record<string, string> = {},
  ): Promise<HealWorld> {
    const world = HealWorld.of(await Brokers.start(servers), env);
    try {
      await Promise.all(
        Array.from({ length: replicas }, (_, i) => world.startReplica(i)),
      );
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
    return world;
  }

  /** A world of a broker, without replicas yet. */
  static of(brokers: Brokers, env: Record<string, string> = {}): HealWorld {
    const { servers } = brokers;
    return new HealWorld(brokers, {
      NATS_URL: servers.map(({ url }) => url).join(","),
      NATS_STREAM_REPLICAS: String(servers.length),
      HEAL_AFTER_MS: String(HEAL_AFTER_MS),
      ...env,
    });
  }

  /** Starts a replica in the place of the one with this number. */
  async startReplica(
    index: number,
    env: Record<string, string> = {},
  ): Promise<ServiceProcess> {
    const replica = this.spawnReplica(index, env);
    await replica.started();
    return replica;
  }

  /** The same, without waiting until it is ready. */
  spawnReplica(
    index: number,
    env: Record<string, string> = {},
  ): ServiceProcess {
    const replica = ServiceProcess.spawn({
      dataDir: this.#folder.path,
      env: { ...this.env, REPLICA_ID: `r${index}`, ...env },
    });
    this.#spawned.push(replica);
    return this.replicas[index] = replica;
  }

  /** Waits until replicas have applied the same, and are equal. */
  async agreement(
    replicas: readonly ServiceProcess[] = this.replicas,
  ): Promise<View> {
    return await eventually(async () => {
      const views = await Promise.all(replicas.map(viewOf));
      for (const view of views) assert.deepEqual(view, views[0]);
      return views[0];
    });
  }

  /** Does something, and tells what the replicas have said if that fails. */
  async explained(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      // What the disposal of the world throws would hide it.
      console.error(error);
      for (const { lines, pid } of this.#spawned) {
        console.error(`replica with pid ${pid}:`);
        for (const line of lines) {
          console.error(` ${line["@timestamp"]} ${line.message}`);
        }
      }
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const replica of this.#spawned) {
      await replica[Symbol.asyncDispose]();
    }
    await this.brokers[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

/** @returns What a replica says of its state. */
export async function viewOf(replica: ServiceProcess): Promise<View> {
  const { log, digest, users } = await replica.statusJson();
  return { id: log.id, sequence: log.applied_sequence, digest, users };
}
