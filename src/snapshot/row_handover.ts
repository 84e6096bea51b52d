import type { RowBlock } from "../storage/row_block.ts";

/**
 * Hands rows from the side that has them to the side that asks for them, one
 * block at a time. A `TransformStream` would do it too, but can't be aborted
 * while a block waits in it.
 */
export class RowHandover implements AsyncIterable<RowBlock> {
  /** The next block; undefined for the end. */
  #next = Promise.withResolvers<RowBlock | undefined>();
  #taken = Promise.withResolvers<void>();
  #error: Error | undefined;

  /**
   * Gives a block, after the one before is taken.
   *
   * @returns Resolves once it is taken.
   * @throws {Error} What {@linkcode fail} was told.
   */
  async give(rows: RowBlock): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    this.#taken = Promise.withResolvers();
    this.#next.resolve(rows);
    await this.#taken.promise;
  }

  /** There are no more. */
  end(): void {
    this.#next.resolve(undefined);
  }

  /** Ends both sides with an error. */
  fail(error: Error): void {
    this.#error ??= error;
    for (const { promise, reject } of [this.#next, this.#taken]) {
      promise.catch(() => {});
      reject(error);
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RowBlock> {
    for (;;) {
      const rows = await this.#next.promise;
      if (this.#error !== undefined) throw this.#error;
      if (rows === undefined) return;
      this.#next = Promise.withResolvers();
      this.#taken.resolve();
      yield rows;
    }
  }
}
