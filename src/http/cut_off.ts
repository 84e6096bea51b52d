/**
 * Answers that leave a body unread.
 *
 * The runtime reads the rest of a body after the answer, however long it is
 * and however long it takes, and throws it away. Only an answer that fails
 * ends the connection.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";

const logger = getLogger(["usergrade", "http"]);

/** How much of an unread body may still come in after the answer. */
export const UNREAD_BYTES_MAX = 64 * 1024;

/** How long a client has for reading an answer before it is cut off. */
export const CUT_OFF_AFTER_MS = 100;

/** How long an answer over HTTP/2 waits for a short body to come in. */
const SHORT_BODY_MS = 1_000;

/** Ends an answer of which all has been said. */
class CutOffError extends Error {
  override name = "CutOffError";
}

/**
 * @param request A request that is answered with an error.
 * @returns Whether it has a body that nobody has read, and that is, or may be,
 * longer than {@linkcode UNREAD_BYTES_MAX}.
 */
export function leavesLongBody(request: Request): boolean {
  const { method, headers } = request;
  if (method === "GET" || method === "HEAD" || request.bodyUsed) return false;
  const length = headers.get("content-length");
  return length === null
    ? headers.has("transfer-encoding")
    : Number(length) > UNREAD_BYTES_MAX;
}

/**
 * Over HTTP/2 an answer before the end of the body resets the stream, and a
 * client may take that for a failure (curl 7.88 does), answer and all.
 *
 * @param request A request that is answered with an error.
 * @returns Resolves when a short body that nobody has read has come in, or has
 * not for too long; `undefined` if there is nothing to wait for.
 */
export function shortBodyOverHttp2(
  request: Request,
): Promise<void> | undefined {
  const { method, headers } = request;
  if (
    // HTTP/1.1 has a Host header always, HTTP/2 has none.
    headers.has("host") || method === "GET" || method === "HEAD" ||
    // Of a body whose length is not told nobody knows how long it would be.
    request.bodyUsed || !headers.has("content-length")
  ) return undefined;
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, SHORT_BODY_MS);
  const read = request.bytes().then(() => {}, () => {});
  return Promise.race([read, late.promise]).finally(() => clearTimeout(timer));
}

/**
 * @param response A whole answer, with a body.
 * @returns The same, which closes its connection some time after its last byte:
 * at once would take the answer away from a client that is still sending.
 */
export async function cutOff(response: Response): Promise<Response> {
  const bytes = await response.bytes();
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes),
    pull: async () => {
      await new Promise((resolve) => setTimeout(resolve, CUT_OFF_AFTER_MS));
      throw new CutOffError("the body was not read");
    },
  }, { highWaterMark: 0 });
  const headers = new Headers(response.headers);
  headers.set("connection", "close");
  // By its length the client knows that the answer is whole.
  headers.set("content-length", String(bytes.length));
  return new Response(stream, { status: response.status, headers });
}

/**
 * Told of every answer that broke off, for `Deno.serve`.
 *
 * @returns An answer that comes too late for anyone.
 */
export function answerBrokeOff(error: unknown): Response {
  if (!(error instanceof CutOffError)) {
    logger.warn("An answer broke off: {reason}", {
      reason: error instanceof Error ? error.message : String(error),
    });
  }
  return new Response(null, { status: 500 });
}
