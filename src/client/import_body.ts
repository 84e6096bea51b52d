/**
 * What `fetch` can send of a file.
 *
 * @module
 */
import { UserGradeError } from "./errors.ts";

/** The most bytes of a stream that are kept to send them from a browser. */
const STREAM_BYTES_MAX = 256 * 2 ** 20;

/**
 * Browsers send no stream over HTTP/1.1: Chromium fails, others send the text
 * "[object ReadableStream]". The bytes of a Blob are the browser's to keep, on
 * the disk where they are many.
 *
 * @param file The bytes.
 * @param isBrowser Whether a browser is to send them.
 * @param bytesMax The most bytes of a stream.
 * @returns The file, or a Blob in place of a stream.
 * @throws {UserGradeError} If a stream is too long; nothing was sent.
 */
export async function sendable(
  file: Blob | ReadableStream<Uint8Array>,
  isBrowser = runsInBrowser(),
  bytesMax = STREAM_BYTES_MAX,
): Promise<Blob | ReadableStream<Uint8Array>> {
  if (!isBrowser || file instanceof Blob) return file;
  const parts: Blob[] = [];
  let bytes = 0;
  // Not every browser can iterate a stream.
  const reader = file.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return new Blob(parts);
    bytes += value.length;
    if (bytes > bytesMax) {
      await reader.cancel();
      throw new UserGradeError(
        `A browser can't send a stream, and more than ${bytesMax} bytes of one are not kept: nothing was sent; import a Blob, such as the File of an input element`,
      );
    }
    parts.push(new Blob([value as Uint8Array<ArrayBuffer>]));
  }
}

/** All browsers say so, in workers too; Deno and Node.js name themselves. */
function runsInBrowser(): boolean {
  return globalThis.navigator?.userAgent.startsWith("Mozilla/") ?? false;
}
