/**
 * A broker and replicas as processes, each replica behind a proxy of its own.
 *
 * @module
 */
import { connect } from "nats";
import { decodeEntry } from "../../src/log/change.ts";
import { NatsServer } from "../support/nats_server.ts";
import { findProgram } from "../support/programs.ts";
import type { Random } from "../support/random.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import type { UserGradePatch } from "../../src/user_grade.ts";
import { ReplicaSlot } from "./replica_slot.ts";

const STREAM = "USERGRADE";

/**
 * Where the set listeners' ports are taken from: below those that the kernel
 * gives to outgoing connections, so that a port is still free when its replica
 * comes back.
 */
const PORTS = { from: 20_000, below: 32_000 };

/** A cluster that faults can be injected into. */
export class FaultCluster implements AsyncDisposable {
  readonly #folder = new TemporaryFolder();

  private constructor(
    readonly broker: NatsServer,
    readonly slots: ReplicaSlot[],
  ) {}

  /**
   * Starts a broker and replicas, which are peers of each other.
   *
   * @param count How many replicas.
   * @param random Chooses their ports.
   * @param patience_ms How long they may take to be ready.
   * @param onSurprise Told of whatever no fault explains.
   */
  static async start(
    count: number,
    random: Random,
    patience_ms: number,
    onSurprise: (what: string) => void,
  ): Promise<FaultCluster> {
    const cluster = new FaultCluster(
      await NatsServer.start(brokerConfiguration(), "whole"),
      [],
    );
    try {
      const setPorts = choosePorts(count, random);
      for (let index = 0; index < count; index++) {
        const slot = new ReplicaSlot({
          index,
          dataDir: cluster.#folder.path,
          brokerPort: cluster.broker.port,
          setPorts,
          onSurprise,
        });
        cluster.slots.push(slot);
        slot.start(true);
      }
      await Promise.all(
        cluster.slots.map((slot) => slot.untilReady(patience_ms)),
      );
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** Reads the whole log from the broker itself, which must be up. */
  async readLog(): Promise<UserGradePatch[][]> {
    const client = await connect({ servers: this.broker.url });
    try {
      const entries: UserGradePatch[][] = [];
      const manager = await client.jetstreamManager();
      const { state } = await manager.streams.info(STREAM);
      if (state.last_seq === 0) return entries;
      const consumer = await client.jetstream().consumers.get(STREAM);
      for await (const { seq, data } of await consumer.consume()) {
        if (seq !== entries.length + 1) {
          throw new Error(`the log has ${seq} after ${entries.length}`);
        }
        entries.push(decodeEntry(data));
        if (seq === state.last_seq) break;
      }
      return entries;
    } finally {
      await client.close();
    }
  }

  /**
   * Says which replicas have found a way to the broker round their proxies:
   * then the network's faults prove nothing.
   *
   * @returns The names of their connections.
   */
  async bypasses(): Promise<string[]> {
    const response = await fetch(`${this.broker.monitorUrl()}/connz`);
    const { connections } = await response.json() as {
      connections: { name?: string; port: number }[];
    };
    const known = new Set(
      this.slots.flatMap(({ proxy }) => [...proxy.outgoing]),
    );
    return connections
      .filter(({ name = "", port }) =>
        name.startsWith("usergrade ") && !known.has(port)
      )
      .map(({ name }) => name!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const slot of this.slots) await slot[Symbol.asyncDispose]();
    await this.broker[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

/**
 * From 2.10 on a server can sync each message before it answers, which is how
 * the product is to be run. Without it a killed server loses nothing either:
 * what it has written is the kernel's. Only a power cut tells the difference.
 */
function brokerConfiguration(): string {
  const { stdout } = new Deno.Command(
    findProgram("nats-server") ?? "nats-server",
    {
      args: ["--version"],
    },
  ).outputSync();
  const [, minor] = /v2\.(\d+)/.exec(new TextDecoder().decode(stdout)) ?? [];
  const sync = Number(minor) >= 10 ? "sync_interval: always" : "";
  return `http: "127.0.0.1:-1"\njetstream { store_dir: "STORE", ${sync} }`;
}

function choosePorts(count: number, random: Random): number[] {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = PORTS.from + random.below(PORTS.below - PORTS.from);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      ports.add(port);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  return [...ports];
}
