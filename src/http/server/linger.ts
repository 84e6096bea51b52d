/**
 * Refusals that leave a long body unread.
 *
 * Closing a connection while its client still sends can take the answer away:
 * the client sees its own write fail, over TLS above all, and never reads. So
 * the listener reads on and throws away what comes, as nginx's `lingering_close`
 * does, within limits of bytes, time and number.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { setTimeout as sleep } from "node:timers/promises";

const logger = getLogger(["usergrade", "http"]);

/** An unread body up to this long is left to the runtime, which reads it. */
const UNREAD_BYTES_MAX = 64 * 1024;

/** How much of a refused body is read and thrown away. */
export const LINGER_BYTES_MAX = 64 * 1024 * 1024;

/** How long a refused body is read. */
export const LINGER_TIMEOUT_MS = 5_000;

/** How long the client may pause meanwhile. */
const LINGER_IDLE_TIMEOUT_MS = 1_000;

/** How many refused bodies are read at a time; further ones are cut at once. */
export const LINGERING_MAX = 4;

/** How much is read in one go, before the others get their turn. */
const LINGER_PART_BYTES = 256 * 1024;

/**
 * How fast each of them is read: strangers with endless uploads take at most a
 * fifth of a core from other clients, over TLS two fifths.
 */
const LINGER_BYTES_PER_MS = 16 * 1024;

/** How many refused bodies are being read. */
let lingering = 0;

/**
 * @param request A request that is answered with an error. A reader that left
 * its body before the end has released the lock on it.
 * @returns Whether it has an unread body that is, or may be, too long to leave
 * to the runtime. Over HTTP/2 every body is too long: an answer before its end
 * resets the stream, which clients take for a failure (curl 7.88). A body whose
 * reading has begun is too long as well: the runtime would wait for its reader.
 */
export function leavesLongBody(request: Request): boolean {
  const { method, headers } = request;
  if (method === "GET" || method === "HEAD") return false;
  if (request.bodyUsed) return !request.body!.locked;
  // HTTP/1.1 always has a Host header, HTTP/2 has none here.
  if (!headers.has("host")) return request.body !== null;
  const length = headers.get("content-length");
  return length === null
    ? headers.has("transfer-encoding")
    : Number(length) > UNREAD_BYTES_MAX;
}

/**
 * @param request A request that {@linkcode leavesLongBody}.
 * @param response Its whole answer.
 * @returns The same answer, which is sent at once and ends when the body has
 * been read, or has met a limit. The runtime then closes the connection if any
 * of the body is left, but not while a read waits: the connection of a client
 * that sends nothing stays open, like an idle one. Over HTTP/2 the runtime
 * resets the stream with NO_ERROR.
 */
export async function refuseBody(
  request: Request,
  response: Response,
): Promise<Response> {
  const bytes = await response.bytes();
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes),
    pull: async (controller) => {
      await discard(request.body!);
      controller.close();
    },
  }, { highWaterMark: 0 });
  const headers = new Headers(response.headers);
  // By its length the client knows that the answer is whole.
  headers.set("content-length", String(bytes.length));
  return new Response(stream, { status: response.status, headers });
}

/** Reads a body and throws it away, until its end or a limit. */
async function discard(body: ReadableStream<Uint8Array>): Promise<void> {
  const reader = byteReader(body);
  if (reader === undefined) return;
  try {
    if (lingering < LINGERING_MAX) await readOn(reader);
  } catch {
    // The client has left.
  } finally {
    // The runtime would wait for someone to read the rest.
    reader.cancel().catch(() => {});
  }
}

/** @returns Undefined for a body that has come in whole with its head. */
function byteReader(
  body: ReadableStream<Uint8Array>,
): ReadableStreamBYOBReader | undefined {
  try {
    return body.getReader({ mode: "byob" });
  } catch {
    // Only a body that is on its way is a stream of bytes to the runtime.
    return undefined;
  }
}

async function readOn(reader: ReadableStreamBYOBReader): Promise<void> {
  const over = Promise.withResolvers<void>();
  const end = performance.now() + LINGER_TIMEOUT_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;
  // One buffer for all parts: a new one for each would be much garbage.
  let buffer = new ArrayBuffer(LINGER_PART_BYTES);
  lingering++;
  try {
    for (let bytes = 0, paused = 0; bytes < LINGER_BYTES_MAX;) {
      const left_ms = Math.min(LINGER_IDLE_TIMEOUT_MS, end - performance.now());
      clearTimeout(timer);
      timer = setTimeout(over.resolve, left_ms);
      const part = await Promise.race([
        reader.read(new Uint8Array(buffer)),
        over.promise,
      ]);
      if (part?.value === undefined || part.done) return;
      bytes += part.value.length;
      buffer = part.value.buffer;
      if (bytes - paused < LINGER_PART_BYTES) continue;
      await sleep((bytes - paused) / LINGER_BYTES_PER_MS);
      paused = bytes;
    }
  } finally {
    lingering--;
    clearTimeout(timer);
  }
}

/**
 * The `onError` of `Deno.serve`: called for each answer that broke off.
 *
 * @returns An answer that no client receives.
 */
export function answerBrokeOff(error: unknown): Response {
  logger.warn("An answer broke off: {reason}", {
    reason: error instanceof Error ? error.message : String(error),
  });
  return new Response(null, { status: 500 });
}
