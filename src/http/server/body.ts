/**
 * Reading a request's body, bounded in bytes and in time.
 *
 * @module
 */
import { UnavailableError } from "../../errors.ts";

/** How long a body may take to arrive. */
export const BODY_TIMEOUT_MS = 10_000;

/** The body is larger than the limit. */
export class BodyTooLargeError extends RangeError {
  override name = "BodyTooLargeError";
}

/** The body did not arrive in time. */
export class BodyTimeoutError extends Error {
  override name = "BodyTimeoutError";
}

/** The client went away, or what it sent is not an HTTP body. */
export class BodyBrokenError extends Error {
  override name = "BodyBrokenError";
}

/** The listener is closing the connection; the body had not arrived. */
export class BodyCutError extends UnavailableError {
  override name = "BodyCutError";
}

/** A body on its way. */
interface PendingBody {
  /** Set by the first sweep that sees it, so that most bodies need no clock. */
  deadline: number | undefined;
  readonly reject: (error: BodyTimeoutError) => void;
  /** Releases the lock on a body that is read in chunks. */
  release?: () => void;
}

/** Reads bodies and counts those on their way. */
export class BodyReader {
  /** Invariant: in the order of their deadlines, those without one last. */
  readonly #pending = new Set<PendingBody>();

  /**
   * @param bytesMax The most bytes of one body.
   * @param now The time in milliseconds.
   */
  constructor(
    private readonly bytesMax: number,
    private readonly now: () => number,
  ) {}

  /** How many bodies are on their way. */
  get pending(): number {
    return this.#pending.size;
  }

  /**
   * @returns The whole body.
   * @throws {BodyTooLargeError} As soon as it is known to be too large.
   * @throws {BodyTimeoutError} If it takes longer than {@linkcode BODY_TIMEOUT_MS}.
   * @throws {BodyBrokenError} If it ends early or can't be read.
   * @throws {BodyCutError} If the listener closes the connection meanwhile.
   */
  read(request: Request): Promise<Uint8Array> {
    const length = request.headers.get("content-length");
    if (length !== null && Number(length) > this.bytesMax) {
      return Promise.reject(this.#tooLarge());
    }
    return new Promise((resolve, reject) => {
      // The deadlines come from one sweep, since a timer for each body costs
      // more than reading it.
      const pending: PendingBody = { deadline: undefined, reject };
      this.#pending.add(pending);
      const bytes = length !== null
        ? request.bytes()
        : this.#readChunks(request, pending);
      bytes.then((whole) => {
        this.#pending.delete(pending);
        resolve(whole);
      }, (error) => {
        this.#pending.delete(pending);
        reject(bodyError(error));
      });
    });
  }

  /** Reads a body whose length is not known before its end. */
  async #readChunks(
    request: Request,
    pending: PendingBody,
  ): Promise<Uint8Array> {
    if (request.body === null) return new Uint8Array(0);
    const reader = request.body.getReader();
    pending.release = () => reader.releaseLock();
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > this.bytesMax) {
        pending.release();
        throw this.#tooLarge();
      }
      chunks.push(value);
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  #tooLarge(): BodyTooLargeError {
    return new BodyTooLargeError(
      `The body may have at most ${this.bytesMax} bytes (MAX_BODY_BYTES)`,
    );
  }

  /** Ends the bodies that took too long. Call it a few times a second. */
  tick(): void {
    const now = this.now();
    for (const pending of this.#pending) {
      pending.deadline ??= now + BODY_TIMEOUT_MS;
      if (pending.deadline > now) continue;
      this.#pending.delete(pending);
      pending.release?.();
      pending.reject(
        new BodyTimeoutError(
          `The body did not arrive within ${BODY_TIMEOUT_MS / 1000} s`,
        ),
      );
    }
  }
}

/**
 * @param cause What the reading of a body failed with.
 * @returns What it means.
 */
export function bodyError(cause: unknown): Error {
  if (cause instanceof BodyTooLargeError) return cause;
  // A shutdown of the listener breaks the bodies that are being read.
  if (cause instanceof Deno.errors.BadResource) {
    return new BodyCutError(
      "This connection is being closed: send the request again on another one",
      { cause },
    );
  }
  return new BodyBrokenError("The body could not be read to its end", {
    cause,
  });
}
