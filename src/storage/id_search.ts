/**
 * A search for the first user ids that begin with some bytes: keeps a few, and
 * is offered all. It does no I/O.
 *
 * @module
 */
import { forEachRecord } from "./record.ts";

/** Ids in the order of their UTF-8 bytes. */
export class IdSearch {
  /** Invariant: in order, at most `#max` of them. */
  readonly #found: Uint8Array[] = [];
  readonly #prefix: Uint8Array;
  readonly #after: Uint8Array;
  readonly #max: number;

  /**
   * @param prefix What the ids begin with; empty for all.
   * @param after The id after which they come in order; empty for all.
   * @param max How many of them to keep, at least 1.
   */
  constructor(prefix: string, after: string, max: number) {
    const utf8 = new TextEncoder();
    this.#prefix = utf8.encode(prefix);
    this.#after = utf8.encode(after);
    this.#max = max;
  }

  /** The first ids of those that were offered, in order. */
  get ids(): string[] {
    const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
    return this.#found.map((key) => utf8.decode(key));
  }

  /**
   * Offers all keys of a segment.
   *
   * @param words The segment's records.
   * @param used How many words are in use.
   */
  offer(words: Int32Array<ArrayBuffer>, used: number): void {
    const bytes = new Uint8Array(words.buffer);
    forEachRecord(words, used, (place, length) => {
      const start = 4 * (place + 1);
      if (this.#beginsRight(bytes, start, length)) {
        this.#keep(bytes.subarray(start, start + length));
      }
    });
  }

  /** Written for speed: it is all that most keys cost. */
  #beginsRight(bytes: Uint8Array, start: number, length: number): boolean {
    const prefix = this.#prefix;
    if (length < prefix.length) return false;
    for (let i = 0; i < prefix.length; i++) {
      if (bytes[start + i] !== prefix[i]) return false;
    }
    return true;
  }

  #keep(key: Uint8Array): void {
    const found = this.#found;
    if (compare(key, this.#after) <= 0) return;
    const isFull = found.length === this.#max;
    if (isFull && compare(key, found[found.length - 1]) > 0) return;
    if (isFull) found.pop();
    let at = found.length;
    while (at > 0 && compare(found[at - 1], key) > 0) at--;
    found.splice(at, 0, key.slice());
  }
}

/** Below 0 if the first comes first, above 0 if the second does. */
function compare(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return a.length - b.length;
}
