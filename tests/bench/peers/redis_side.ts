/**
 * Redis in its own protocol and, by webdis, over HTTP: in memory, and with each
 * set synced before it is answered.
 *
 * @module
 */
import { eventually } from "../../support/eventually.ts";
import { freePort, knock } from "../../support/ports.ts";
import { TemporaryFolder } from "../../support/temporary_folder.ts";
import { isInstalled, output } from "../http/command.ts";
import { withCpuTime } from "../http/cpu_time.ts";
import type { LoadGenerator } from "../http/load.ts";
import { Program } from "../http/program.ts";
import { redisBenchmark } from "../http/redis_benchmark.ts";
import { USERS } from "../http/requests.ts";
import { startWebdis } from "../http/webdis.ts";
import type { CaseName, PeerKind, PeerMeasure, PeerSide } from "./side.ts";

/** About as many answers as redis-benchmark gets in a second, in each case. */
const ANSWERS_PER_S: Record<CaseName, number> = {
  "gets, 64 connections": 60_000,
  "sets in memory, 64 connections": 60_000,
  "durable sets, 64 connections": 40_000,
  "durable sets, 1 connection": 3_000,
};

/** How many random sets reach each of the users, all but surely. */
const PRELOAD_SETS = 25 * USERS;

/** Stores records of about the bytes of ours, as `fill` of the others does. */
const FILL =
  `for i = 0, ARGV[1] - 1 do redis.call("SET", "user-" .. i, '{"user_id":"user-' .. i .. '","postpaid_limit":' .. i .. ',"spp":' .. i % 100 .. ',"shipping_fee":' .. i % 1000 .. ',"return_fee":' .. i % 999 .. '}') end`;

/** Redis, asked in its own protocol or over HTTP. */
export class RedisKind implements PeerKind {
  readonly name: string;
  readonly isOfAnother: boolean;

  constructor(private readonly isHttp: boolean) {
    this.isOfAnother = isHttp;
    this.name = isHttp ? "Redis over HTTP (webdis)" : "Redis";
  }

  async missing(): Promise<string | undefined> {
    const programs = this.isHttp
      ? ["redis-server", "redis-benchmark", "webdis"]
      : ["redis-server", "redis-benchmark", "redis-cli"];
    for (const program of programs) {
      if (!await isInstalled(program)) {
        return `${this.name} is left out: ${program} is not on the PATH`;
      }
    }
    return undefined;
  }

  async start(): Promise<PeerSide> {
    const resources = new AsyncDisposableStack();
    const memory = await startRedis(resources, false);
    return new RedisPeer(memory, resources, this.isHttp);
  }
}

interface Redis {
  readonly port: number;
  readonly pid: number;
}

async function startRedis(
  resources: AsyncDisposableStack,
  isDurable: boolean,
): Promise<Redis> {
  const port = freePort();
  const { path } = resources.use(new TemporaryFolder());
  const program = resources.use(
    new Program([
      "redis-server",
      ...["--port", String(port), "--bind", "127.0.0.1"],
      ...["--save", "", "--dir", path],
      ...["--appendonly", isDurable ? "yes" : "no"],
      ...["--appendfsync", "always"],
    ]),
  );
  await Promise.race([program.ended, eventually(() => knock(port))]);
  return { port, pid: program.pid };
}

class RedisPeer implements PeerSide {
  constructor(
    private readonly memory: Redis,
    private readonly resources: AsyncDisposableStack,
    private readonly isHttp: boolean,
  ) {}

  get pid(): number {
    return this.memory.pid;
  }

  async prepare(
    generator: LoadGenerator,
  ): Promise<Map<CaseName, PeerMeasure>> {
    const durable = await startRedis(this.resources, true);
    await redisBenchmark({
      port: this.memory.port,
      test: "set",
      connections: 64,
      answers: PRELOAD_SETS,
      wrapper: [],
    });
    const measure = this.isHttp
      ? await this.#httpMeasure(generator)
      : this.#redisMeasure();
    const { memory } = this;
    return new Map([
      measure("gets, 64 connections", memory, "get", 64),
      measure("sets in memory, 64 connections", memory, "set", 64),
      measure("durable sets, 64 connections", durable, "set", 64),
      measure("durable sets, 1 connection", durable, "set", 1),
    ]);
  }

  #redisMeasure() {
    return (
      name: CaseName,
      { port, pid }: Redis,
      test: "get" | "set",
      connections: number,
    ): [CaseName, PeerMeasure] => [name, (seconds, signal) => {
      const answers = seconds * ANSWERS_PER_S[name];
      const load = { port, test, connections, answers, wrapper: [] };
      return withCpuTime(pid, () => redisBenchmark(load, signal));
    }];
  }

  async #httpMeasure(generator: LoadGenerator) {
    const urls = new Map<Redis, string>();
    const urlOf = async (redis: Redis) => {
      const url = urls.get(redis) ??
        await startWebdis(redis.port, this.resources);
      urls.set(redis, url);
      return url;
    };
    await urlOf(this.memory);
    return (
      name: CaseName,
      redis: Redis,
      test: "get" | "set",
      connections: number,
    ): [CaseName, PeerMeasure] => [name, async (seconds, signal) => {
      const url = await urlOf(redis);
      const kind = `webdis ${test}` as const;
      return generator.generate({ url, kind, connections, seconds }, signal);
    }];
  }

  async fill(users: number): Promise<void> {
    const { port } = this.memory;
    await output([
      "redis-cli",
      ...["-p", String(port), "EVAL", FILL, "0", String(users)],
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources.disposeAsync();
  }
}
