/**
 * `Content-Encoding` of request bodies (RFC 9110, section 8.4).
 *
 * @module
 */
import { HttpError } from "./problem.ts";
import type { Handler } from "./router.ts";

/** The most characters of a header that an error repeats. */
const ENCODING_CHARACTERS_MAX = 64;

/**
 * @param encodings The content codings that `handler` can read besides
 * `identity`, one at a time.
 * @param handler What reads the body.
 * @returns A handler that answers 415, with `Accept-Encoding`, to all others.
 */
export function acceptEncodings(
  encodings: readonly string[],
  handler: Handler,
): Handler {
  const accepted = [...encodings, "identity"];
  return (request, query) => {
    const encoding = request.headers.get("content-encoding");
    if (encoding !== null && !accepted.includes(encoding.toLowerCase())) {
      const found = encoding.slice(0, ENCODING_CHARACTERS_MAX);
      throw new HttpError(
        415,
        `Content-Encoding ${found} is not accepted here: send the body ${
          encodings.length === 0
            ? "uncompressed"
            : `with ${encodings[0]} or uncompressed`
        }`,
        { headers: { "accept-encoding": accepted.join(", ") } },
      );
    }
    return handler(request, query);
  };
}
