/**
 * A program of the benchmark that runs until it is disposed of.
 *
 * @module
 */

/** A running program. */
export class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stderr: Promise<string>;
  #ended = false;

  /** @param command The program and its arguments. */
  constructor([program, ...args]: readonly string[]) {
    this.#child = new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stderr = new Response(this.#child.stderr).text();
    this.ended = this.#child.status.then(async () => {
      this.#ended = true;
      throw new Error(`${program} has ended: ${await this.#stderr}`);
    });
    this.ended.catch(() => {});
  }

  /** Rejects when the program ends, with what it said on its standard error. */
  readonly ended: Promise<never>;

  /** The process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Waits for the first that it prints. */
  async said(): Promise<string> {
    const reader = this.#child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    const { value } = await Promise.race([reader.read(), this.ended]);
    await reader.cancel();
    // At the end of the output there is no value: the program ends as well.
    return value ?? await this.ended;
  }

  /** Kills it and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#stderr;
    if (!this.#child.stdout.locked) await this.#child.stdout.cancel();
  }
}
