/**
 * Errors as HTTP answers: problem details by RFC 9457, made in one place.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { InvalidArrayError, InvalidElementError } from "../../change_array.ts";
import {
  TooLargeError,
  UnavailableError,
  UnconfirmedError,
} from "../../errors.ts";
import { InvalidUserGradeError } from "../../user_grade_schema.ts";
import { TITLES } from "../openapi/titles.ts";
import {
  BodyBrokenError,
  BodyCrowdedOutError,
  bodyError,
  BodyTimeoutError,
  BodyTooLargeError,
} from "./body.ts";

const logger = getLogger(["usergrade", "http"]);

/** After how many seconds a client may try again. */
const RETRY_AFTER_SECONDS = "1";

/** What a problem has besides its status and detail. */
export interface ProblemExtras {
  /** More headers. */
  readonly headers?: Record<string, string>;
  /** More members of the JSON object. */
  readonly members?: Record<string, unknown>;
}

/** A request that can't be served as it is: its status, and what to do about it. */
export class HttpError extends Error {
  override name = "HttpError";

  constructor(
    readonly status: keyof typeof TITLES,
    detail: string,
    readonly extras: ProblemExtras = {},
  ) {
    super(detail);
  }
}

/**
 * @param error What a handler threw.
 * @returns The answer. An unforeseen error is logged, and not told to the
 * client.
 */
export function problemResponse(error: unknown): Response {
  const { status, message, extras } = toHttpError(error);
  return new Response(
    JSON.stringify({
      type: "about:blank",
      title: TITLES[status],
      status,
      detail: message,
      ...extras.members,
    }),
    {
      status,
      headers: {
        "content-type": "application/problem+json",
        ...extras.headers,
      },
    },
  );
}

/**
 * @param error What a handler threw.
 * @returns What to answer; an unforeseen error is logged.
 */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof InvalidUserGradeError) {
    return new HttpError(400, error.message, {
      members: { errors: error.errors },
    });
  }
  if (error instanceof InvalidElementError) {
    const { index } = error;
    const errors = error.errors.map((one) => ({ index, ...one }));
    return new HttpError(400, error.message, { members: { errors } });
  }
  if (error instanceof InvalidArrayError) {
    return new HttpError(400, error.message);
  }
  if (error instanceof TooLargeError) {
    return new HttpError(413, error.message);
  }
  if (error instanceof UnavailableError) {
    return new HttpError(503, error.message, {
      headers: {
        "retry-after": RETRY_AFTER_SECONDS,
        // The rest of the body would be kept.
        ...(error instanceof BodyCrowdedOutError && { connection: "close" }),
      },
    });
  }
  // For a body that is read as a stream.
  if (error instanceof Deno.errors.BadResource) {
    return toHttpError(bodyError(error));
  }
  if (error instanceof UnconfirmedError) {
    return new HttpError(504, error.message);
  }
  if (error instanceof BodyBrokenError) {
    return new HttpError(400, error.message);
  }
  if (error instanceof BodyTooLargeError) {
    return new HttpError(413, error.message);
  }
  if (error instanceof BodyTimeoutError) {
    return new HttpError(408, error.message, {
      headers: { connection: "close" },
    });
  }
  logger.error("A request failed: {error}", { error });
  return new HttpError(500, "The request failed here; the log says why");
}
