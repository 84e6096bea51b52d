/**
 * Redis with the same users, each a hash of four fields: its `SAVE` and its
 * load from its own local dump.
 *
 * @module
 */
import { eventually } from "../../support/eventually.ts";

/** A redis-server on a port of its own. */
export class RedisSide implements AsyncDisposable {
  #server!: Deno.ChildProcess;

  private constructor(
    readonly users: number,
    private readonly folder: string,
    private readonly port: number,
  ) {}

  /** @returns A server with the users; undefined if Redis is not installed. */
  static async start(
    users: number,
    folder: string,
  ): Promise<RedisSide | undefined> {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    const redis = new RedisSide(users, folder, port);
    try {
      await redis.#spawn();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    await redis.#fill();
    return redis;
  }

  /** Starts the server and waits until it has loaded its dump. */
  async #spawn(): Promise<void> {
    this.#server = new Deno.Command("redis-server", {
      args: [
        ...["--port", String(this.port), "--bind", "127.0.0.1"],
        ...["--dir", this.folder, "--save", "", "--appendonly", "no"],
      ],
      stdout: "null",
      stderr: "null",
    }).spawn();
    await eventually(async () => {
      const answer = await this.#command("PING");
      if (answer.trim() !== "PONG") throw new Error(answer);
    }, 120_000);
  }

  async #command(...words: string[]): Promise<string> {
    const { stdout } = await new Deno.Command("redis-cli", {
      args: ["-p", String(this.port), ...words],
    }).output();
    return new TextDecoder().decode(stdout);
  }

  async #fill(): Promise<void> {
    const pipe = new Deno.Command("redis-cli", {
      args: ["-p", String(this.port), "--pipe"],
      stdin: "piped",
      stdout: "null",
    }).spawn();
    const writer = pipe.stdin.getWriter();
    const encoder = new TextEncoder();
    for (let from = 0; from < this.users; from += 1000) {
      let text = "";
      for (let i = from; i < Math.min(this.users, from + 1000); i++) {
        text += `HSET user-${i} postpaid_limit ${i} spp ${
          i % 7
        } shipping_fee 100 return_fee 200\r\n`;
      }
      await writer.write(encoder.encode(text));
    }
    await writer.close();
    await pipe.status;
  }

  /** @returns Rows a second of `SAVE`. */
  async save(): Promise<number> {
    const started = performance.now();
    await this.#command("SAVE");
    return this.users / (performance.now() - started) * 1000;
  }

  /** Starts it anew from its dump. @returns Rows a second until it answers. */
  async load(): Promise<number> {
    this.#server.kill("SIGKILL");
    await this.#server.status;
    const started = performance.now();
    await this.#spawn();
    return this.users / (performance.now() - started) * 1000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.kill("SIGKILL");
    await this.#server.status;
  }
}
