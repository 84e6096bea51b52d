/**
 * Which core runs what.
 *
 * @module
 */
import { output } from "./command.ts";

/** Words to put before a command, to run it on a core of its own while gets are measured. */
export interface Cores {
  /** For what is measured. */
  readonly measured: readonly string[];
  /** For the load generator. */
  readonly rest: readonly string[];
  /** Which these are, in words. */
  readonly description: string;
}

/** @returns Two of the cores that this process may use, where it can choose. */
export async function chooseCores(): Promise<Cores> {
  const said = await output(["taskset", "-cp", String(Deno.pid)]);
  if (said === undefined) {
    return unpinned("taskset is not here, so nothing is pinned to a core");
  }
  const [first, second] = parseList(said.slice(said.lastIndexOf(":") + 1));
  if (second === undefined) {
    return unpinned("there is one core for everything");
  }
  return {
    measured: ["taskset", "-c", String(first)],
    rest: ["taskset", "-c", String(second)],
    description:
      `gets: by taskset, what is measured runs on core ${first}, the load generator on core ${second}; sets: everything shares all cores`,
  };
}

function unpinned(description: string): Cores {
  return { measured: [], rest: [], description };
}

/** The numbers of a list such as `0,2-3`. */
function parseList(list: string): number[] {
  return list.trim().split(",").flatMap((range) => {
    const [from, to = from] = range.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}
