/**
 * Redis as two sides, where it is installed: by its own load generator and its
 * own protocol, without pipelining, and over HTTP by webdis.
 *
 * @module
 */
import { eventually } from "../../support/eventually.ts";
import { freePort, knock } from "../../support/ports.ts";
import { TemporaryFolder } from "../../support/temporary_folder.ts";
import { output } from "./command.ts";
import type { Cores } from "./cores.ts";
import { withCpuTime } from "./cpu_time.ts";
import type { Figures } from "./figures.ts";
import type { LoadGenerator } from "./load.ts";
import type { SideName } from "./plan.ts";
import { Program } from "./program.ts";
import { grades, USERS } from "./requests.ts";
import type { Measure } from "./sides.ts";

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
      if (await output(["sh", "-c", `command -v ${program} || true`]) === "") {
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
    const benchmark = async (
      test: "set" | "get",
      connections: number,
      answers: number,
      signal?: AbortSignal,
    ): Promise<Figures> => {
      const said = await output([
        ...this.options.cores.rest,
        "redis-benchmark",
        ...["-h", "127.0.0.1", "-p", String(port), "--csv", "-t", test],
        ...["-c", String(connections), "-n", String(answers)],
        ...["-r", String(USERS), "-d", String(recordBytes())],
      ], signal);
      return { answers, ...parseCsv(said!) };
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
    if (await output(["sh", "-c", "command -v webdis || true"]) === "") {
      this.missing.push("webdis is left out: it is not on the PATH");
      return;
    }
    const { path } = this.#resources.use(new TemporaryFolder());
    const port = freePort();
    const file = `${path}/webdis.json`;
    Deno.writeTextFileSync(
      file,
      JSON.stringify({
        redis_host: "127.0.0.1",
        redis_port: redisPort,
        http_host: "127.0.0.1",
        http_port: port,
        threads: 1,
        daemonize: false,
        verbosity: 0,
        logfile: `${path}/log`,
      }),
    );
    const webdis = this.#resources.use(
      new Program([...this.options.cores.measured, "webdis", file]),
    );
    await Promise.race([webdis.ended, eventually(() => knock(port))]);
    const url = `http://127.0.0.1:${port}`;
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

/** About the bytes of one user's JSON. */
function recordBytes(): number {
  return JSON.stringify(grades()[0]).length;
}

/** Reads the one row of `redis-benchmark --csv`. */
function parseCsv(text: string): Omit<Figures, "answers"> {
  const [names, values] = text.trim().split("\n").slice(-2)
    .map((line) => line.split(",").map((cell) => cell.replaceAll('"', "")));
  const cell = (name: string) => Number(values[names.indexOf(name)]);
  return {
    per_s: cell("rps"),
    p50_ms: cell("p50_latency_ms"),
    p99_ms: cell("p99_latency_ms"),
  };
}
