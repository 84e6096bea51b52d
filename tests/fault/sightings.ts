/**
 * What is seen on the wire, and who is told of it.
 *
 * @module
 */

/** Tells those who listen, and those who wait for one that they want. */
export class Sightings<Seen> {
  readonly #listeners = new Set<(seen: Seen) => void>();

  /** @param listener Told of all that is seen from now on. */
  listen(listener: (seen: Seen) => void): void {
    this.#listeners.add(listener);
  }

  /** Tells all who listen. */
  tell(seen: Seen): void {
    for (const listener of this.#listeners) listener(seen);
  }

  /** @returns The next one that is wanted; undefined if none came in time. */
  async next(
    isWanted: (seen: Seen) => boolean,
    patience_ms: number,
  ): Promise<Seen | undefined> {
    const { promise, resolve } = Promise.withResolvers<Seen | undefined>();
    const take = (seen: Seen) => {
      if (isWanted(seen)) resolve(seen);
    };
    this.#listeners.add(take);
    const timer = setTimeout(() => resolve(undefined), patience_ms);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#listeners.delete(take);
    }
  }
}
