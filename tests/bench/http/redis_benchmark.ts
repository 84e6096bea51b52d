/**
 * Redis' own load generator.
 *
 * @module
 */
import { output } from "./command.ts";
import type { Figures } from "./figures.ts";
import { grades, USERS } from "./requests.ts";

/** What is asked of Redis. */
export interface RedisLoad {
  readonly port: number;
  readonly test: "set" | "get";
  readonly connections: number;
  /** It counts answers, not seconds. */
  readonly answers: number;
  /** Words before its command. */
  readonly wrapper: readonly string[];
}

/** Runs `redis-benchmark` without pipelining, over the users of the load. */
export async function redisBenchmark(
  { port, test, connections, answers, wrapper }: RedisLoad,
  signal?: AbortSignal,
): Promise<Figures> {
  const said = await output([
    ...wrapper,
    "redis-benchmark",
    ...["-h", "127.0.0.1", "-p", String(port), "--csv", "-t", test],
    ...["-c", String(connections), "-n", String(answers)],
    ...["-r", String(USERS), "-d", String(recordBytes())],
  ], signal);
  return { answers, ...parseCsv(said!) };
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
