/**
 * Reading a request's body, bounded in bytes and in time.
 *
 * @module
 */
import { UnavailableError } from "../../errors.ts";
import { isClosing } from "./closing.ts";

/** How long a body may take to arrive. */
export const BODY_TIMEOUT_MS = 10_000;

/** How many bytes all bodies on their way to one reader may have. */
export const PENDING_BYTES_MAX = 64 * 1024 * 1024;

/**
 * A body longer than this is read in chunks, which costs some 10 µs: the runtime
 * would keep what has come of it after it was given up, as long as the
 * connection is open.
 */
const WHOLE_BYTES_MAX = 16 * 1024;

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

/** The body had waited longest when too many were on their way. */
export class BodyCrowdedOutError extends UnavailableError {
  override name = "BodyCrowdedOutError";
}

/** A body on its way. */
interface PendingBody {
  /** Its length or, if that is not known, what has come of it. */
  bytes: number;
  /** Set by the first sweep that sees it, so that most bodies need no clock. */
  deadline: number | undefined;
  readonly reject: (error: Error) => void;
  /** Releases the lock on a body that is read in chunks. */
  release?: () => void;
}

/** Reads bodies and counts those on their way. */
export class BodyReader {
  /** Invariant: in the order of their deadlines, those without one last. */
  readonly #pending = new Set<PendingBody>();
  /** Invariant: the sum of the bytes of those on their way. */
  #pendingBytes = 0;

  /**
   * @param bytesMax The most bytes of one body.
   * @param now The time in milliseconds.
   * @param pendingBytesMax The most bytes of all bodies on their way; not less
   * than `bytesMax`.
   */
  constructor(
    private readonly bytesMax: number,
    private readonly now: () => number,
    private readonly pendingBytesMax = PENDING_BYTES_MAX,
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
   * @throws {BodyCrowdedOutError} If too many bytes are on their way and this
   * body has waited longest: slow clients make room for all others.
   */
  read(request: Request): Promise<Uint8Array> {
    const length = request.headers.get("content-length");
    // Not a number where the same length is given twice.
    const bytes = length === null ? NaN : Number(length);
    if (bytes > this.bytesMax) return Promise.reject(this.#tooLarge());
    const isWhole = bytes <= WHOLE_BYTES_MAX;
    return new Promise((resolve, reject) => {
      // The deadlines come from one sweep, since a timer for each body costs
      // more than reading it.
      const pending: PendingBody = { bytes: 0, deadline: undefined, reject };
      this.#pending.add(pending);
      if (isWhole) this.#hold(pending, bytes);
      const body = isWhole
        ? request.bytes()
        : this.#readChunks(request, pending);
      body.then((whole) => {
        this.#drop(pending);
        resolve(whole);
      }, (error) => {
        this.#drop(pending);
        reject(bodyError(error));
      });
    });
  }

  /** Counts bytes of a body; the longest waiting bodies make room for them. */
  #hold(body: PendingBody, bytes: number): void {
    body.bytes += bytes;
    this.#pendingBytes += bytes;
    if (this.#pendingBytes > this.pendingBytesMax) this.#makeRoom();
  }

  #makeRoom(): void {
    while (this.#pendingBytes > this.pendingBytesMax) {
      const [oldest] = this.#pending;
      this.#giveUp(
        oldest,
        new BodyCrowdedOutError(
          `The bodies on their way have more than ${this.pendingBytesMax} bytes, and this one had waited longest: send it again`,
        ),
      );
    }
  }

  /** Ends a body that has not arrived. */
  #giveUp(body: PendingBody, error: Error): void {
    this.#drop(body);
    body.release?.();
    body.reject(error);
  }

  #drop(body: PendingBody): void {
    if (this.#pending.delete(body)) this.#pendingBytes -= body.bytes;
  }

  /** Reads a body that is long, or whose length is not known before its end. */
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
      // Another body may have taken its room in the turn in which this came.
      if (done || !this.#pending.has(pending)) break;
      length += value.length;
      if (length > this.bytesMax) {
        pending.release();
        throw this.#tooLarge();
      }
      chunks.push(value);
      this.#hold(pending, value.length);
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
      `The body may have at most ${this.bytesMax} bytes (MAX_BODY_BYTES): send it in parts`,
    );
  }

  /** Ends the bodies that took too long. Call it a few times a second. */
  tick(): void {
    const now = this.now();
    for (const pending of this.#pending) {
      pending.deadline ??= now + BODY_TIMEOUT_MS;
      if (pending.deadline > now) continue;
      this.#giveUp(
        pending,
        new BodyTimeoutError(
          `The body did not arrive within ${
            BODY_TIMEOUT_MS / 1000
          } s: send the request again`,
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
  if (cause instanceof Deno.errors.BadResource && isClosing()) {
    return new BodyCutError(
      "This connection is being closed: send the request again on another one",
      { cause },
    );
  }
  return new BodyBrokenError(
    "The body could not be read to its end: send the request again",
    {
      cause,
    },
  );
}
