/**
 * A file as a stream of its bytes.
 *
 * @module
 */

/**
 * @param file An open file, which is closed at its end, by an error, and when
 * the stream is cancelled.
 * @param chunkBytes How many bytes are read at a time.
 * @param check Called before each read; what it throws ends the stream.
 * @returns Its bytes, in chunks that own their buffers.
 */
export function fileStream(
  file: Deno.FsFile,
  chunkBytes: number,
  check: () => void = () => {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    pull: async (controller) => {
      try {
        check();
        const bytes = new Uint8Array(chunkBytes);
        const count = await file.read(bytes);
        if (count !== null) {
          const isFull = count === chunkBytes;
          return controller.enqueue(isFull ? bytes : bytes.slice(0, count));
        }
      } catch (error) {
        file.close();
        throw error;
      }
      file.close();
      controller.close();
    },
    cancel: () => file.close(),
  }, { highWaterMark: 0 });
}
