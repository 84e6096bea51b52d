/**
 * The sides that are compared, all running at once, one of them busy at a
 * time.
 *
 * @module
 */
import { TemporaryFolder } from "../../support/temporary_folder.ts";
import { Broker, BrokerError, type Sync } from "./broker.ts";
import { withCpuTime } from "./cpu_time.ts";
import type { Cores } from "./cores.ts";
import type { Figures } from "./figures.ts";
import type { LoadGenerator } from "./load.ts";
import type { Case, SideName } from "./plan.ts";
import { Program } from "./program.ts";
import { publisherMeasure } from "./publisher_side.ts";
import { RedisSides } from "./redis_sides.ts";
import { listenerOf, type Operation } from "./requests.ts";
import { startEmptyService, startService } from "./service_side.ts";

/** Measures one case for some seconds. */
export type Measure = (
  case_: Case,
  seconds: number,
  signal: AbortSignal,
) => Promise<Figures>;

/** What the sides are made with. */
export interface SidesOptions {
  readonly cores: Cores;
  /** For gets, on the core that is left to it; for sets, on any. */
  readonly generators: Readonly<Record<"get" | "set", LoadGenerator>>;
  /** The sides that are started. */
  readonly wanted: ReadonlySet<SideName>;
  /** The path of nats-server; undefined if it is not here. */
  readonly natsServer: string | undefined;
}

/** The sides. Those that can't be had here are left out, with the reasons. */
export class Sides implements AsyncDisposable {
  /** How each side that is here is measured. */
  readonly measures = new Map<SideName, Measure>();
  /** Why the others are not here. */
  readonly missing: string[] = [];
  readonly #resources = new AsyncDisposableStack();

  private constructor(private readonly options: SidesOptions) {}

  /** Starts all sides. */
  static async start(options: SidesOptions): Promise<Sides> {
    const sides = new Sides(options);
    try {
      const oneCore = options.cores.measured;
      await sides.#addBare('bare "ok"', "ok", oneCore);
      await sides.#addBare("the least of a get", "get", oneCore);
      await sides.#addService("standalone on one core", { wrapper: oneCore });
      if (sides.#wants("Redis", "Redis over HTTP (webdis)")) {
        await sides.#addRedis();
      }
      await sides.#addBare("bare JSON echo", "echo", []);
      await sides.#addBare("the least of a set", "set", []);
      await sides.#addService("standalone", {});
      await sides.#addReplicated();
    } catch (error) {
      await sides[Symbol.asyncDispose]();
      throw error;
    }
    return sides;
  }

  #wants(...sides: readonly SideName[]): boolean {
    return sides.some((side) => this.options.wanted.has(side));
  }

  async #addReplicated(): Promise<void> {
    if (this.options.natsServer === undefined) {
      this.missing.push(
        "everything replicated is left out: nats-server is not on the PATH, and NATS_SERVER_BIN does not name one",
      );
      return;
    }
    const { url } = await this.#startBroker("at its leisure");
    await this.#addService("replicated, one replica", { natsUrl: url });
    this.measures.set(
      "one JetStream publish a set",
      publisherMeasure(url, "plain"),
    );
    this.measures.set(
      "one JetStream publish with a message id a set",
      publisherMeasure(url, "id"),
    );
    await this.#addTwoReplicas();
    if (!this.#wants("replicated, each message fsynced")) return;
    try {
      const { url } = await this.#startBroker("always");
      await this.#addService("replicated, each message fsynced", {
        natsUrl: url,
      });
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      this.missing.push(
        `"replicated, each message fsynced" is left out: \`sync_interval: always\` takes nats-server 2.10 or newer (NATS_SERVER_BIN may name one); ${error.message}`,
      );
    }
  }

  /** Sets are sent to one of them; the other one follows the log. */
  async #addTwoReplicas(): Promise<void> {
    const side = "replicated, two replicas";
    if (!this.#wants(side)) return;
    const { url } = await this.#startBroker("at its leisure");
    await this.#addService(side, { natsUrl: url });
    const folder = this.#resources.use(new TemporaryFolder());
    this.#resources.use(await startEmptyService(folder.path, url, []));
  }

  async #startBroker(sync: Sync): Promise<Broker> {
    return this.#resources.use(
      await Broker.start({
        binary: this.options.natsServer!,
        sync,
        wrapper: [],
      }),
    );
  }

  async #addBare(
    side: SideName,
    what: "ok" | "get" | "echo" | "set",
    wrapper: readonly string[],
  ): Promise<void> {
    if (!this.#wants(side)) return;
    const program = this.#resources.use(
      new Program([
        ...wrapper,
        Deno.execPath(),
        "run",
        "--no-prompt",
        "--allow-net=127.0.0.1",
        new URL("bare_server.ts", import.meta.url).pathname,
        what,
      ]),
    );
    const url = (await program.said()).trim();
    this.#addHttp(side, program.pid, () => url);
  }

  async #addRedis(): Promise<void> {
    const { cores, generators } = this.options;
    const redis = this.#resources.use(
      await RedisSides.start({ cores, generator: generators.get }),
    );
    for (const [side, measure] of redis.measures) {
      this.measures.set(side, measure);
    }
    this.missing.push(...redis.missing);
  }

  async #addService(
    side: SideName,
    { natsUrl, wrapper = [] }: {
      natsUrl?: string;
      wrapper?: readonly string[];
    },
  ): Promise<void> {
    const folder = this.#resources.use(new TemporaryFolder());
    const service = this.#resources.use(
      await startService(folder.path, natsUrl, wrapper),
    );
    this.#addHttp(
      side,
      service.pid,
      (operation) => service.url(listenerOf(operation)),
    );
  }

  #addHttp(
    side: SideName,
    pid: number,
    url: (operation: Operation) => string,
  ): void {
    this.measures.set(
      side,
      ({ operation, connections }, seconds, signal) =>
        withCpuTime(
          pid,
          () =>
            this.options.generators[listenerOf(operation)].generate(
              { url: url(operation), kind: operation, connections, seconds },
              signal,
            ),
        ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
