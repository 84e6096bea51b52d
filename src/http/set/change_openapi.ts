/**
 * What the routes that change users share.
 *
 * @module
 */
import * as z from "zod";
import { CHANGES_MAX } from "../../change_array.ts";
import {
  encodingRefused,
  GUARDS,
  json,
  problem,
  SECURITY,
  unavailable,
} from "../openapi/responses.ts";
import { LogSequence, ValidationProblem } from "../openapi/schemas.ts";
import type { Tag } from "../openapi/tags.ts";

/**
 * One of something, or an array of as many as may be sent at once.
 *
 * @param id The name of both.
 */
function oneOrMany<T>(schema: z.ZodType<T>, id: string): z.ZodType<T | T[]> {
  return z.union([schema, z.array(schema).min(1).max(CHANGES_MAX)])
    .meta({ id });
}

/** The same, by names. */
type OneAndMany<T> = Record<"one" | "many", { readonly value: T | T[] }>;

/** How a route is described that takes one change or an array of them. */
export interface ChangeRoute<Change, Answer> {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  /** The names of what is sent and answered begin with it. */
  readonly name: string;
  /** What is sent for one change. */
  readonly change: z.ZodType<Change>;
  readonly examples: OneAndMany<Change>;
  /** What is answered to one change. */
  readonly answer: z.ZodType<Answer>;
  readonly answerExamples: OneAndMany<Answer>;
}

/** @returns The operation of a route that takes one change or an array of them. */
export function changing<Change, Answer>(
  { name, change, examples, answer, answerExamples, ...operation }: ChangeRoute<
    Change,
    Answer
  >,
) {
  return {
    ...operation,
    tags: ["changes" satisfies Tag],
    security: SECURITY,
    requestBody: {
      required: true,
      description:
        "The changes of an array commit together, all or none, and are applied in order.",
      content: {
        "application/json": {
          schema: oneOrMany(change, `${name}Request`),
          examples,
        },
      },
    },
    responses: {
      "200": json(
        "Committed and applied; to an array, the array of answers in the same order",
        oneOrMany(answer, `${name}Answer`),
        {
          headers: {
            "log-sequence": LogSequence.meta({
              description: "The place in the log; one for an array.",
            }),
          },
          examples: answerExamples,
        },
      ),
      "400": problem(
        "The body is not what it must be, or the request has a parameter: nothing is changed",
        ValidationProblem,
      ),
      ...GUARDS,
      "408": problem("The body did not arrive within 10 s"),
      "413": problem(
        "The body is longer than MAX_BODY_BYTES, or the array is more than one entry of the log holds: send it in parts",
      ),
      "415": encodingRefused("Content-Encoding is not identity"),
      "503": unavailable(
        "Certainly nothing is changed: not ready, too many wait, or READ_ONLY",
      ),
      "504": problem(
        "The outcome is unknown, or the change is stored and can't be applied here yet",
      ),
    },
  };
}
