/**
 * The requests of the pages, all to the listener that the page is from.
 *
 * @module
 */

/** The browser could not make the request, so nothing was sent. */
export class NotSentError extends Error {
  name = "NotSentError";

  constructor(cause) {
    super(
      `This browser cannot send the request: ${cause.message}. Try a current one.`,
      { cause },
    );
  }
}

/**
 * The address that a relative path names: it is relative to the page's own
 * path, so that it holds behind a proxy too.
 */
function addressOf(path) {
  // The page's own address may hold a user and a password. Browsers make no
  // request of such an address, and resolve relative ones to it.
  return new URL(path, location.origin + location.pathname).href;
}

/**
 * Sends a request.
 *
 * @param path Where to, relative to the page's.
 * @param timeout_ms How long the answer and its body may take.
 * @param init What else the request has.
 * @returns The answer.
 * @throws {NotSentError} If nothing was sent. With any other error, it may have
 * arrived.
 */
export async function send(path, timeout_ms, init) {
  let request;
  let signal;
  try {
    request = new Request(addressOf(path), init);
    signal = AbortSignal.timeout(timeout_ms);
  } catch (cause) {
    throw new NotSentError(cause);
  }
  return await fetch(request, { signal });
}

/**
 * Opens a stream of events.
 *
 * @param path Where, relative to the page's.
 * @returns The stream.
 */
export function openStream(path) {
  return new EventSource(addressOf(path));
}

/**
 * Sends a file, and says how much of it is sent.
 *
 * @param path Where to, relative to the page's.
 * @param file The file.
 * @param onSent Gets how many bytes are sent, a few times a second.
 * @param signal Ends the request.
 * @returns The status and the text of the answer.
 * @throws {Error} If no answer came; some of the file may have arrived.
 */
export function upload(path, file, onSent, signal) {
  // `fetch` does not say how much is sent.
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    request.upload.addEventListener(
      "progress",
      ({ loaded }) => onSent(loaded),
    );
    request.addEventListener(
      "load",
      () => resolve({ status: request.status, text: request.responseText }),
    );
    const failed = () => reject(new Error("No answer came"));
    request.addEventListener("error", failed);
    request.addEventListener("abort", failed);
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", addressOf(path));
    request.send(file);
  });
}
