/**
 * A progress bar for people who watch.
 *
 * @module
 */
import { Presets, SingleBar } from "cli-progress";

/** Shows how far something is. */
export interface Meter {
  /** Shows `done` of `total`; begins the bar the first time. */
  update(done: number, total: number): void;
  /** Leaves the bar as it is; a later update begins another. */
  end(): void;
}

/**
 * @param what What is going on, in a word or two.
 * @returns A bar on stderr if that is a terminal, else nothing.
 */
export function terminalMeter(what: string): Meter {
  if (!Deno.stderr.isTerminal()) return { update: () => {}, end: () => {} };
  let bar: SingleBar | undefined;
  return {
    update: (done, total) => {
      if (bar === undefined) {
        bar = new SingleBar({
          format:
            `${what} {bar} {percentage} % {value}/{total}, {eta_formatted} left`,
          hideCursor: true,
        }, Presets.shades_classic);
        bar.start(total, done);
      }
      bar.setTotal(total);
      bar.update(done);
    },
    end: () => {
      bar?.stop();
      bar = undefined;
    },
  };
}
