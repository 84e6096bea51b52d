/**
 * A worker that runs seeds for the command: `Range` in, `RangeEnd` out.
 *
 * @module
 */
import { runSeeds, simulateCommand } from "./seeds.ts";
import { STORMS } from "./storms.ts";

/** The seeds of one simulation that a worker is to run. */
export interface Range {
  readonly name: string;
  readonly first: number;
  readonly count: number;
}

/** What all of them have seen, or why one has failed. */
export type RangeEnd =
  | { readonly seen: readonly (readonly [string, number])[] }
  | { readonly failure: string };

const { self } = globalThis as unknown as { readonly self: Worker };

self.onmessage = async ({ data }: MessageEvent<Range>) => {
  const { name, first, count } = data;
  let end: RangeEnd;
  try {
    const seen = await runSeeds(
      simulateCommand(name),
      first,
      count,
      STORMS[name],
    );
    end = { seen: [...seen] };
  } catch (error) {
    end = { failure: (error as Error).message };
  }
  self.postMessage(end);
};
