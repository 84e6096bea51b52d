/**
 * What is made when it is first needed.
 *
 * @module
 */

/**
 * @param make Makes it.
 * @returns A function that makes it at the first call, and returns the same from
 * then on. After a failure the next call tries again: a file that could not be
 * opened may be there later.
 */
export function lazy<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () =>
    made ??= make().catch((error) => {
      made = undefined;
      throw error;
    });
}
