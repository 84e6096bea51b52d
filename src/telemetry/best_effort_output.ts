/**
 * Output that may lose lines, and says how many.
 *
 * @module
 */

/** Where bytes go: a file or a pipe. */
export interface Output {
  /** Writes some of the bytes; resolves to how many. */
  write(bytes: Uint8Array): Promise<number>;
}

/**
 * A stream to an output that may fail for a while: its disk is full, or its
 * reader is gone. Lines that can't be written are counted, and the stream goes
 * on. A `WritableStream` alone ends for good at the first failure.
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

  /** Counts lines that did not reach the stream. */
  noteLost(lines: number): void {
    this.#lost += lines;
  }
}

async function writeAll(output: Output, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await output.write(bytes.subarray(at));
  }
}
