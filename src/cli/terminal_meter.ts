/**
 * A progress bar on the terminal.
 *
 * @module
 */
import { Presets, SingleBar } from "cli-progress";

/** Shows the progress of one task after the other. */
export interface Meter {
  /** Shows `done` of `total`; the first call begins a bar. */
  update(done: number, total: number): void;
  /** Ends the bar; a later update begins another. */
  end(): void;
}

/**
 * @param what The name of the task, in a word or two.
 * @returns A bar on stderr, or one that does nothing if stderr is no terminal.
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
