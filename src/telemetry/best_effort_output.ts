/**
 * Output that may be lost, and says so.
 *
 * @module
 */

/** Where bytes go: a file or a pipe. */
export interface Output {
  /** Writes some of the bytes; resolves to how many. */
  write(bytes: Uint8Array): Promise<number>;
}

/**
 * A stream to an output that fails at times: a full disk, a reader that is
 * gone. What can't be written is counted, and the stream goes on; a
 * `WritableStream` by itself ends for good at the first failure.
 */
export class BestEffortOutput {
  /** Takes one line at a time. */
  readonly stream: WritableStream<Uint8Array>;
  #lost = 0;
  #said = 0;

  /**
   * @param output Where the lines go.
   * @param lostLine Makes the line that says how many are lost.
   */
  constructor(output: Output, lostLine: (lost: number) => Uint8Array) {
    this.stream = new WritableStream({
      write: async (line) => {
        try {
          await writeAll(output, line);
          const lost = this.#lost - this.#said;
          if (lost === 0) return;
          await writeAll(output, lostLine(lost));
          this.#said += lost;
        } catch {
          this.#lost++;
        }
      },
    });
  }

  /** How many lines are lost. */
  get lost(): number {
    return this.#lost;
  }

  /** Counts lines that never came as far as the stream. */
  noteLost(lines: number): void {
    this.#lost += lines;
  }
}

async function writeAll(output: Output, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await output.write(bytes.subarray(at));
  }
}
