/**
 * Redis as two sides, where it is installed: by its own load generator and its
 * own protocol, without pipelining, and over HTTP by webdis.
 *
 * @module
 */
import { eventually } from "../../support/eventually.ts";
import { freePort, knock } from "../../support/ports.ts";
import { isInstalled } from "./command.ts";
import type { Cores } from "./cores.ts";
import { withCpuTime } from "./cpu_time.ts";
import type { LoadGenerator } from "./load.ts";
import type { SideName } from "./plan.ts";
import { Program } from "./program.ts";
import { redisBenchmark } from "./redis_benchmark.ts";
import { USERS } from "./requests.ts";
import type { Measure } from "./sides.ts";
import { startWebdis } from "./webdis.ts";

/** redis-benchmark counts answers, not seconds: about as many as it gets in one. */
const ANSWERS_PER_S = 60_000;

/** How many random sets reach each of the users, all but surely. */
const PRELOAD_SETS = 25 * USERS;

/** What the sides are made with. */
export interface RedisOptions {
  readonly cores: Cores;
  /** What loads webdis. */
  readonly generator: LoadGenerator;
}

/** Redis and webdis on one core. Those that are not here are left out. */
export class RedisSides implements AsyncDisposable {
  readonly measures = new Map<SideName, Measure>();
  readonly missing: string[] = [];
  readonly #resources = new AsyncDisposableStack();

  private constructor(private readonly options: RedisOptions) {}

  /** Starts what is installed. */
  static async start(options: RedisOptions): Promise<RedisSides> {
    const sides = new RedisSides(options);
    try {
      const port = await sides.#addRedis();
      if (port !== undefined) await sides.#addWebdis(port);
    } catch (error) {
      await sides[Symbol.asyncDispose]();
      throw error;
    }
    return sides;
  }

  /** @returns Its port; undefined if it is not installed. */
  async #addRedis(): Promise<number | undefined> {
    for (const program of ["redis-server", "redis-benchmark"]) {
      if (!await isInstalled(program)) {
        this.missing.push(`Redis is left out: ${program} is not on the PATH`);
        return undefined;
      }
    }
    const port = freePort();
    const server = this.#resources.use(
      new Program([
        ...this.options.cores.measured,
        "redis-server",
        ...["--port", String(port), "--bind", "127.0.0.1"],
        ...["--save", "", "--appendonly", "no"],
      ]),
    );
    await Promise.race([server.ended, eventually(() => knock(port))]);
    const benchmark = (
      test: "set" | "get",
      connections: number,
      answers: number,
      signal?: AbortSignal,
    ) => {
      const wrapper = this.options.cores.rest;
      const load = { port, test, connections, answers, wrapper };
      return redisBenchmark(load, signal);
    };
    await benchmark("set", 64, PRELOAD_SETS);
    this.measures.set(
      "Redis",
      ({ connections }, seconds, signal) =>
        withCpuTime(
          server.pid,
          () => benchmark("get", connections, seconds * ANSWERS_PER_S, signal),
        ),
    );
    return port;
  }

  async #addWebdis(redisPort: number): Promise<void> {
    if (!await isInstalled("webdis")) {
      this.missing.push("webdis is left out: it is not on the PATH");
      return;
    }
    const url = await startWebdis(
      redisPort,
      this.#resources,
      this.options.cores.measured,
    );
    // Its processor time is not told: Redis works for it, too.
    this.measures.set(
      "Redis over HTTP (webdis)",
      ({ connections }, seconds, signal) =>
        this.options.generator.generate(
          { url, kind: "webdis get", connections, seconds },
          signal,
        ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
