/** Reads a stream of bytes in chunks; some can be put back. */
export class ByteReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  #buffered: Uint8Array = new Uint8Array(0);

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stream.getReader();
  }

  /** What was read of the stream and not taken yet. */
  get buffered(): Uint8Array {
    return this.#buffered;
  }

  /**
   * Reads on, behind what is buffered.
   *
   * @returns Whether there was more.
   */
  async more(): Promise<boolean> {
    const { done, value } = await this.#reader.read();
    if (done) return false;
    this.#buffered = concatenate(this.#buffered, value);
    return true;
  }

  /** Takes the first of the buffered bytes. */
  skip(bytes: number): void {
    this.#buffered = this.#buffered.subarray(bytes);
  }

  /** @returns What is buffered, or else the next chunk; undefined at the end. */
  async take(): Promise<Uint8Array | undefined> {
    if (this.#buffered.length === 0 && !await this.more()) return undefined;
    const taken = this.#buffered;
    this.#buffered = new Uint8Array(0);
    return taken;
  }

  /** Puts back the end of the chunk that was taken last. */
  putBack(bytes: Uint8Array): void {
    this.#buffered = bytes;
  }

  /** Cancels the stream. */
  async cancel(reason?: unknown): Promise<void> {
    await this.#reader.cancel(reason);
  }
}

/** @returns The bytes of both, without copying where one is empty. */
export function concatenate(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
