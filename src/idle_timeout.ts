/**
 * Streams that stop.
 *
 * @module
 */

/**
 * @param stream Any stream.
 * @param timeout_ms How long it may give nothing while something is wanted.
 * @param createError Makes the error with which it ends then.
 * @param options `preventCancel`, as of `pipeTo()`: whether the stream is only
 * unlocked when it is left before its end, so that others can read on.
 * @returns The same stream, with that limit.
 */
export function withIdleTimeout<T>(
  stream: ReadableStream<T>,
  timeout_ms: number,
  createError: () => Error,
  { preventCancel = false }: Pick<StreamPipeOptions, "preventCancel"> = {},
): ReadableStream<T> {
  const reader = stream.getReader();
  const leave = async (reason: unknown) => {
    if (preventCancel) reader.releaseLock();
    else await reader.cancel(reason);
  };
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
        leave(error).catch(() => {});
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
    cancel: leave,
  }, { highWaterMark: 0 });
}
