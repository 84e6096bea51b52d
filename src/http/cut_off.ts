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
 * @param response A whole answer, with a body.
 * @returns The same, which closes its connection some time after its last byte:
 * at once would take the answer away from a client that is still sending.
 */
export function cutOff(response: Response): Response {
  const reader = response.body!.getReader();
  const stream = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const { done, value } = await reader.read();
      if (!done) return controller.enqueue(value);
      await new Promise((resolve) => setTimeout(resolve, CUT_OFF_AFTER_MS));
      throw new CutOffError("the body was not read");
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  const headers = new Headers(response.headers);
  headers.set("connection", "close");
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
