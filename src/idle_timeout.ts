/**
 * Streams that stop.
 *
 * @module
 */

/**
 * @param stream Any stream.
 * @param timeout_ms How long it may give nothing while something is wanted.
 * @param createError Makes the error with which it ends then.
 * @returns The same stream, with that limit.
 */
export function withIdleTimeout<T>(
  stream: ReadableStream<T>,
  timeout_ms: number,
  createError: () => Error,
): ReadableStream<T> {
  const reader = stream.getReader();
  return new ReadableStream<T>({
    pull: async (controller) => {
      const timeout = Promise.withResolvers<never>();
      const timer = setTimeout(() => timeout.reject(createError()), timeout_ms);
      try {
        const { done, value } = await Promise.race([
          reader.read(),
          timeout.promise,
        ]);
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        reader.cancel(error).catch(() => {});
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
