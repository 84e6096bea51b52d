/**
 * Load by autocannon, for where wrk is not installed. It is slower than what
 * it measures, so that ratios come out nearer to one than they are.
 *
 * @module
 */
import { output } from "./command.ts";
import type { Figures } from "./figures.ts";
import { type Load, type LoadGenerator, WrongAnswersError } from "./load.ts";
import type { AutocannonSummary } from "./autocannon_worker.ts";

const PACKAGE = "npm:autocannon@9";

/** A program for each measurement; its package is fetched at the first. */
export class Autocannon implements LoadGenerator {
  readonly name = `${PACKAGE}, for want of wrk`;

  /** @param wrapper Words before its command. */
  constructor(private readonly wrapper: readonly string[]) {}

  async generate(load: Load, signal: AbortSignal): Promise<Figures> {
    const said = await output([
      ...this.wrapper,
      Deno.execPath(),
      "run",
      "--no-prompt",
      // The package is none of the project's own.
      "--no-lock",
      "--allow-net=127.0.0.1",
      "--allow-read",
      "--allow-env",
      "--allow-sys",
      new URL("autocannon_worker.ts", import.meta.url).pathname,
      PACKAGE,
      JSON.stringify(load),
    ], signal);
    const { wrong, broken, ...figures }: AutocannonSummary = JSON.parse(said!);
    if (figures.answers === 0 || wrong + broken > 0) {
      throw new WrongAnswersError(
        `${wrong} answers were not 2xx, and ${broken} connections broke`,
      );
    }
    return figures;
  }

  [Symbol.dispose](): void {}
}
