/**
 * The cluster of docker-compose.yml, as processes of this machine.
 *
 * @module
 */
import { readComposeFile } from "./compose_file.ts";
import { HAProxy } from "./haproxy.ts";
import { NatsServer } from "./nats_server.ts";
import { freePort } from "./ports.ts";
import { ServiceProcess } from "./service_process.ts";
import { TemporaryFolder } from "./temporary_folder.ts";

/** How long the replicas of docker-compose.yml serve after SIGTERM. */
const SHUTDOWN_DELAY_MS =
  readComposeFile().services["replica-a"].environment!.SHUTDOWN_DELAY_MS;

/** A broker, two replicas on ports that stay, and the proxy before them; it ends with its tests. */
export class ProxiedCluster implements AsyncDisposable {
  readonly #folder = new TemporaryFolder();
  readonly ports = {
    a: { setPort: freePort(), getPort: freePort() },
    b: { setPort: freePort(), getPort: freePort() },
  };
  readonly replicas = new Map<"a" | "b", ServiceProcess>();
  proxy!: HAProxy;

  private constructor(readonly broker: NatsServer) {}

  /** Starts all of it. */
  static async start(): Promise<ProxiedCluster> {
    const cluster = new ProxiedCluster(await NatsServer.start());
    try {
      await cluster.startReplica("a");
      await cluster.startReplica("b");
      cluster.proxy = await HAProxy.start(cluster.ports);
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** Starts a replica, and waits until it is ready. */
  async startReplica(name: "a" | "b"): Promise<void> {
    const other = this.ports[name === "a" ? "b" : "a"];
    const replica = ServiceProcess.spawn({
      dataDir: this.#folder.path,
      env: {
        NATS_URL: this.broker.url,
        REPLICA_ID: name,
        SET_PORT: String(this.ports[name].setPort),
        GET_PORT: String(this.ports[name].getPort),
        PEERS: `http://127.0.0.1:${other.setPort}`,
        SHUTDOWN_DELAY_MS,
      },
    });
    this.replicas.set(name, replica);
    await replica.started();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy?.[Symbol.asyncDispose]();
    for (const replica of this.replicas.values()) {
      await replica[Symbol.asyncDispose]();
    }
    await this.broker[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}
