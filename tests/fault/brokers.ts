/**
 * The servers of a run's broker, one or three, and a client of each.
 *
 * @module
 */
import { eventually } from "../support/eventually.ts";
import { NatsCluster } from "../support/nats_cluster.ts";
import { areServersNew, NatsServer } from "../support/nats_server.ts";
import { BrokerClient, type BrokerUser } from "./broker_client.ts";

/** How long a server may take to be whole again. */
const WHOLE_MAX_MS = 30_000;

/** How long the servers may take to answer all together. */
const FLUSH_MAX_MS = 1_000;

/** How many servers there can be. */
export type ServerCount = 1 | 3;

/** All servers. */
export class Brokers implements AsyncDisposable {
  private constructor(
    readonly servers: readonly NatsServer[],
    readonly clients: readonly BrokerClient[],
  ) {}

  /**
   * Starts them.
   *
   * @param lines More lines for each server's configuration.
   * @param user How the clients log in, if they have to.
   */
  static async start(
    count: ServerCount,
    lines = "",
    user: BrokerUser = {},
  ): Promise<Brokers> {
    const all = brokerConfiguration(lines);
    const servers = count === 1
      ? [await NatsServer.start(all, "whole")]
      : (await NatsCluster.start(all, "no_advertise: true")).servers;
    const clients = servers.map(({ url }) => BrokerClient.connect(url, user));
    return new Brokers(servers, await Promise.all(clients));
  }

  /**
   * Asks one client after the other, until one gets an answer.
   *
   * @param question May be asked again when it was answered unheard.
   */
  async ask<T>(question: (client: BrokerClient) => Promise<T>): Promise<T> {
    let next = 0;
    return await eventually(
      () => question(this.clients[next++ % this.clients.length]),
      WHOLE_MAX_MS,
    );
  }

  /**
   * Waits until the clients have had all that their servers sent so far.
   *
   * @returns Whether all servers have answered.
   */
  async flush(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), FLUSH_MAX_MS);
    const flushed = Promise.all(
      this.clients.map(({ connection }) => connection.flush()),
    );
    flushed.then(() => resolve(true), () => resolve(false));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** @returns The server itself, or the one that leads a stream, by its number. */
  async find(server: number | "leader", stream: string): Promise<number> {
    if (this.servers.length === 1) return 0;
    if (server !== "leader") return server;
    const { leader } = await this.ask((client) => client.look(stream));
    // They are named n0, n1 and n2; none may lead at the moment.
    return leader === undefined ? 0 : Number(leader.slice(1));
  }

  /** Waits until a server has all that the others have. */
  async untilWhole(server: number): Promise<void> {
    await eventually(async () => {
      const response = await fetch(
        `${this.servers[server].monitorUrl()}/healthz`,
      );
      const text = await response.text();
      if (!response.ok) throw new Error(`server ${server}: ${text}`);
    }, WHOLE_MAX_MS);
  }

  /** @returns The names and ports of all connections. */
  async connections(): Promise<{ name?: string; port: number }[]> {
    const all = await Promise.all(this.servers.map(async (server) => {
      const response = await fetch(`${server.monitorUrl()}/connz`);
      return (await response.json()).connections;
    }));
    return all.flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) await client[Symbol.asyncDispose]();
    for (const server of this.servers) await server[Symbol.asyncDispose]();
  }
}

/**
 * @param lines More lines.
 * @returns The configuration of each server.
 *
 * From 2.10 on a server can sync each message before it answers, which is how
 * the product is to be run. Without it a killed server loses nothing either:
 * what it has written is the kernel's. Only a power cut tells the difference.
 */
export function brokerConfiguration(lines = ""): string {
  const sync = areServersNew() ? "sync_interval: always" : "";
  return `http: "127.0.0.1:-1"
jetstream { store_dir: "STORE", ${sync} }
${lines}`;
}
