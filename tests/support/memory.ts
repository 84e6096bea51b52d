/**
 * Memory that is out, for tests.
 *
 * @module
 */

/** What there is no memory for. */
export type Kind =
  /** The records of a segment, beyond those that it has room for. */
  | "records"
  /** New segments, and slots. */
  | "arrays"
  /** Copies of pages for open snapshots. */
  | "pages";

/**
 * Lets no memory of some kinds be taken while `run` runs.
 *
 * @param kind Which kind.
 * @param run What is to find none.
 * @returns What it returns.
 */
export function withoutMemory<T>(kind: Kind, run: () => T): T {
  const fail = (): never => {
    throw new RangeError("Array buffer allocation failed");
  };
  const { transfer } = ArrayBuffer.prototype;
  const { Int32Array } = globalThis;
  if (kind === "records") ArrayBuffer.prototype.transfer = fail;
  else if (kind === "pages") Int32Array.prototype.slice = fail;
  else {
    globalThis.Int32Array = new Proxy(Int32Array, {
      // Only a length makes a new buffer; all else is a view of one.
      construct: (target, args) =>
        typeof args[0] === "number" ? fail() : Reflect.construct(target, args),
    });
  }
  try {
    return run();
  } finally {
    ArrayBuffer.prototype.transfer = transfer;
    globalThis.Int32Array = Int32Array;
    // What is inherited comes to light again.
    delete (Int32Array.prototype as Partial<Int32Array>).slice;
  }
}

/** @returns An id so long that no new segment takes it without growing. */
export function largeId(name: string): string {
  return name.padEnd(200, "x");
}
