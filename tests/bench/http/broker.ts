/**
 * A nats-server with JetStream on a store of its own.
 *
 * @module
 */
import { eventually } from "../../support/eventually.ts";
import { freePort, knock } from "../../support/ports.ts";
import { TemporaryFolder } from "../../support/temporary_folder.ts";
import { output } from "./command.ts";
import { Program } from "./program.ts";

/** When the broker writes its messages through to the disk. */
export type Sync = "at its leisure" | "always";

/** This nats-server can't do what is asked of it. */
export class BrokerError extends Error {
  override name = "BrokerError";
}

/** How a broker is started. */
export interface BrokerOptions {
  /** The path of nats-server. */
  readonly binary: string;
  readonly sync: Sync;
  /** Words before the command. */
  readonly wrapper: readonly string[];
}

/** A broker, running until it is disposed of. */
export class Broker implements AsyncDisposable {
  private constructor(
    /** The URL that clients use. */
    readonly url: string,
    private readonly resources: AsyncDisposableStack,
  ) {}

  /**
   * Starts a broker on a free port.
   *
   * @throws {BrokerError} If this nats-server does not take its configuration.
   */
  static async start(
    { binary, sync, wrapper }: BrokerOptions,
  ): Promise<Broker> {
    await using resources = new AsyncDisposableStack();
    const { path } = resources.use(new TemporaryFolder());
    const file = `${path}/nats.conf`;
    const port = freePort();
    Deno.writeTextFileSync(
      file,
      `host: 127.0.0.1
port: ${port}
jetstream {
  store_dir: "${path}/store"
${sync === "always" ? "  sync_interval: always\n" : ""}}
`,
    );
    try {
      await output([binary, "-t", "-c", file]);
    } catch (cause) {
      throw new BrokerError((cause as Error).message.trim(), { cause });
    }
    const program = resources.use(
      new Program([...wrapper, binary, "-c", file, "-l", `${path}/log`]),
    );
    await Promise.race([program.ended, eventually(() => knock(port))]);
    return new Broker(`nats://127.0.0.1:${port}`, resources.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources.disposeAsync();
  }
}
