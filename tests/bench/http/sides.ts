/**
 * The sides that are compared, all running at once, one of them busy at a
 * time.
 *
 * @module
 */
import { TemporaryFolder } from "../../support/temporary_folder.ts";
import { Broker, BrokerError, type Sync } from "./broker.ts";
import { output } from "./command.ts";
import { cpuTime_us } from "./cpu_time.ts";
import type { Cores } from "./cores.ts";
import type { Figures } from "./figures.ts";
import type { LoadGenerator } from "./load.ts";
import type { Case, SideName } from "./plan.ts";
import { Program } from "./program.ts";
import type { Operation } from "./requests.ts";
import { startService } from "./service_side.ts";

/** Measures one case for some seconds. */
export type Measure = (
  case_: Case,
  seconds: number,
  signal: AbortSignal,
) => Promise<Figures>;

/** What the sides are made with. */
export interface SidesOptions {
  readonly cores: Cores;
  readonly generator: LoadGenerator;
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
      await sides.#addBare('bare "ok"', "ok");
      await sides.#addBare("bare JSON echo", "echo");
      await sides.#addService("standalone");
      await sides.#addReplicated();
    } catch (error) {
      await sides[Symbol.asyncDispose]();
      throw error;
    }
    return sides;
  }

  async #addReplicated(): Promise<void> {
    if (this.options.natsServer === undefined) {
      this.missing.push(
        "everything replicated is left out: nats-server is not on the PATH, and NATS_SERVER_BIN does not name one",
      );
      return;
    }
    const { url } = await this.#startBroker("at its leisure");
    await this.#addService("replicated", url);
    this.#addPublisher(url);
    try {
      const { url } = await this.#startBroker("always");
      await this.#addService("replicated, each message fsynced", url);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      this.missing.push(
        `"replicated, each message fsynced" is left out: \`sync_interval: always\` takes nats-server 2.10 or newer (NATS_SERVER_BIN may name one); ${error.message}`,
      );
    }
  }

  async #startBroker(sync: Sync): Promise<Broker> {
    return this.#resources.use(
      await Broker.start({
        binary: this.options.natsServer!,
        sync,
        wrapper: this.options.cores.rest,
      }),
    );
  }

  async #addBare(side: SideName, what: "ok" | "echo"): Promise<void> {
    const program = this.#resources.use(
      new Program([
        ...this.options.cores.measured,
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

  async #addService(side: SideName, natsUrl?: string): Promise<void> {
    const folder = this.#resources.use(new TemporaryFolder());
    const service = this.#resources.use(
      await startService(folder.path, natsUrl, this.options.cores.measured),
    );
    this.#addHttp(
      side,
      service.pid,
      (operation) => service.url(operation),
    );
  }

  #addHttp(
    side: SideName,
    pid: number,
    url: (operation: Operation) => string,
  ): void {
    const { generator } = this.options;
    this.measures.set(
      side,
      async ({ operation, connections }, seconds, signal) => {
        const before = await cpuTime_us(pid);
        const figures = await generator.generate(
          { url: url(operation), operation, connections, seconds },
          signal,
        );
        const after = await cpuTime_us(pid);
        return before === undefined || after === undefined
          ? figures
          : { ...figures, cpu_us: (after - before) / figures.answers };
      },
    );
  }

  #addPublisher(natsUrl: string): void {
    this.measures.set(
      "one JetStream publish a set",
      async ({ connections }, seconds, signal) => {
        const said = await output([
          ...this.options.cores.measured,
          Deno.execPath(),
          "run",
          "--no-prompt",
          "--allow-net=127.0.0.1",
          new URL("publisher.ts", import.meta.url).pathname,
          natsUrl,
          String(connections),
          String(seconds),
        ], signal);
        return JSON.parse(said!);
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
