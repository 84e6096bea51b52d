/**
 * One broker and some replicas, all real processes.
 *
 * @module
 */
import assert from "node:assert/strict";
import { eventually } from "./eventually.ts";
import { NatsServer } from "./nats_server.ts";
import { ServiceProcess } from "./service_process.ts";
import { TemporaryFolder } from "./temporary_folder.ts";

/** A cluster that ends with its test. */
export class Cluster implements AsyncDisposable {
  readonly #folder = new TemporaryFolder();
  readonly #spawned = new Map<number, ServiceProcess>();

  private constructor(
    readonly broker: NatsServer,
    readonly replicas: ServiceProcess[],
  ) {}

  /**
   * Starts a broker and replicas named `r0`, `r1` and so on.
   *
   * @param count How many replicas.
   * @param env More variables for each.
   */
  static async start(
    count: number,
    env: Record<string, string> = {},
  ): Promise<Cluster> {
    const cluster = new Cluster(await NatsServer.start(), []);
    try {
      await Promise.all(
        Array.from({ length: count }, (_, i) => cluster.startReplica(i, env)),
      );
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /**
   * Starts a replica in the place of the one with this number.
   *
   * @param patience_ms How long it may take until it is ready.
   */
  async startReplica(
    index: number,
    env: Record<string, string> = {},
    patience_ms?: number,
  ): Promise<ServiceProcess> {
    const replica = this.spawnReplica(index, env);
    await replica.started(patience_ms);
    return this.replicas[index] = replica;
  }

  /** Starts a replica that may never be ready; it ends with the cluster. */
  spawnReplica(
    index: number,
    env: Record<string, string> = {},
  ): ServiceProcess {
    const replica = ServiceProcess.spawn({
      dataDir: this.#folder.path,
      env: {
        NATS_URL: this.broker.url,
        REPLICA_ID: `r${index}`,
        ...env,
      },
    });
    this.#spawned.set(index, replica);
    return replica;
  }

  /** The replica with this number, which may still be starting. */
  spawned(index: number): ServiceProcess | undefined {
    return this.#spawned.get(index);
  }

  /**
   * Restarts the broker, and waits until replicas commit over new connections:
   * they may say for a while that they can over those that are gone.
   *
   * @param restart Stops it and starts it again.
   * @param replicas Those that run.
   */
  async throughRestart(
    restart: () => Promise<void>,
    replicas: readonly ServiceProcess[] = this.replicas,
  ): Promise<void> {
    const before = replicas.map(({ connections }) => connections);
    await restart();
    for (const [i, replica] of replicas.entries()) {
      await eventually(() => assert.ok(replica.connections > before[i]));
      await replica.untilReady("set");
    }
  }

  /**
   * Waits until all replicas have applied the same, and checks that they are
   * equal: sequence, identity, digest and number of users.
   *
   * @returns What they all say.
   */
  async agreement(): Promise<
    { sequence: number; digest: string; users: number; id: string }
  > {
    return await eventually(async () => {
      const views = await Promise.all(
        this.replicas.map(async (replica) => {
          const { log, digest, users } = await replica.statusJson();
          return {
            sequence: log.applied_sequence as number,
            digest: digest as string,
            users: users as number,
            id: log.id as string,
          };
        }),
      );
      for (const view of views) assert.deepEqual(view, views[0]);
      return views[0];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const replica of [...this.replicas, ...this.#spawned.values()]) {
      await replica?.[Symbol.asyncDispose]();
    }
    await this.broker[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}
