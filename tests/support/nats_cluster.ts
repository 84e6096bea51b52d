/**
 * Three real nats-servers that keep streams together, for tests.
 *
 * @module
 */
import { NatsServer } from "./nats_server.ts";
import { freePort } from "./ports.ts";

/** How many servers: the fewest of which one may be lost. */
const SERVERS = 3;

/** A cluster that ends with its test. */
export class NatsCluster implements AsyncDisposable {
  private constructor(readonly servers: readonly NatsServer[]) {}

  /**
   * Starts the servers, named `n0`, `n1` and `n2`.
   *
   * @param lines Lines for each server's configuration file, JetStream's own
   * among them, with `STORE` for the path of the store.
   * @param clusterLines Lines for how the servers find each other.
   */
  static async start(
    lines = 'jetstream { store_dir: "STORE" }',
    clusterLines = "",
  ): Promise<NatsCluster> {
    const ports = Array.from({ length: SERVERS }, freePort);
    const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(", ");
    const servers = await Promise.all(ports.map((port, i) =>
      NatsServer.start(
        `server_name: n${i}
${lines}
cluster { name: test, host: 127.0.0.1, port: ${port}, routes: [${routes}]
  ${clusterLines}
}`,
        "whole",
      )
    ));
    return new NatsCluster(servers);
  }

  /** The URLs of all servers, as `NATS_URL` takes them. */
  get urls(): string {
    return this.servers.map(({ url }) => url).join(",");
  }

  /** Stops all servers, saves or swaps the store of each, and starts them. */
  async restartWithStores(direction: "save" | "swap"): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop("SIGTERM")));
    for (const server of this.servers) await server.copyStore(direction);
    await Promise.all(this.servers.map((server) => server.start()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.servers) await server[Symbol.asyncDispose]();
  }
}
