/**
 * A limit on how many requests of one kind are served at a time.
 *
 * @module
 */
import { UnavailableError } from "../../errors.ts";

/** The limit of requests of one kind is reached. */
export class BusyError extends UnavailableError {
  override name = "BusyError";
}

/** Counts the requests that are served. */
export class Limit {
  #served = 0;

  /**
   * @param max The most at a time.
   * @param what What they are and do, for the error: "imports are running".
   */
  constructor(private readonly max: number, private readonly what: string) {}

  /**
   * Begins one more.
   *
   * @returns To be called when it has ended; calling it twice is harmless.
   * @throws {BusyError} If the limit is reached.
   */
  enter(): () => void {
    if (this.#served >= this.max) {
      throw new BusyError(
        `${this.max} ${this.what}, which is the limit: try again when one has ended`,
      );
    }
    this.#served++;
    let isServed = true;
    return () => {
      if (isServed) this.#served--;
      isServed = false;
    };
  }
}
