/**
 * Kinds of answers and paths that several routes share.
 *
 * @module
 */
import * as z from "zod";
import type {
  ZodOpenApiPathItemObject,
  ZodOpenApiResponseObject,
} from "zod-openapi";
import { withExample } from "./problem_examples.ts";
import { Problem } from "./schemas.ts";
import type { Tag } from "./tags.ts";

/** What a path answers, by its methods. */
export type PathItem = ZodOpenApiPathItemObject;

/** Paths by their names. */
export type Paths = Record<string, PathItem>;

const RetryAfter = z.string().regex(/^\d+$/).meta({
  description: "Seconds after which to try again.",
});

/** What is said of a path without parameters that always answers 200. */
export interface Report<Answer> {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tag: Tag;
  readonly schema: z.ZodType<Answer>;
  readonly example: Answer;
}

/** A path without parameters that always answers 200. */
export function report<Answer>(
  { tag, schema, example, ...operation }: Report<Answer>,
): PathItem {
  const answer = json(operation.summary, schema, { example });
  return {
    get: { ...operation, tags: [tag], responses: { "200": answer } },
  };
}

/** What is said of an answer besides its schema. */
export interface AnswerOptions<Answer> {
  readonly headers?: Record<string, z.ZodType>;
  readonly example?: Answer;
  /** Several, by their names. */
  readonly examples?: Record<string, { readonly value: Answer }>;
}

/** An answer of JSON. */
export function json<Answer>(
  description: string,
  schema: z.ZodType<Answer>,
  { headers, ...examples }: AnswerOptions<Answer> = {},
): ZodOpenApiResponseObject {
  return {
    description,
    content: { "application/json": { schema, ...examples } },
    ...(headers && { headers: z.object(headers) }),
  };
}

/** An error. */
export function problem(
  description: string,
  schema: z.ZodType = Problem,
  headers: Record<string, z.ZodType> = {},
): ZodOpenApiResponseObject {
  return {
    description,
    content: { "application/problem+json": { schema } },
    ...(Object.keys(headers).length > 0 && { headers: z.object(headers) }),
  };
}

/** Certainly not done: the client may try again. */
export function unavailable(
  description: string,
  schema: z.ZodType = Problem,
): ZodOpenApiResponseObject {
  return problem(description, schema, { "retry-after": RetryAfter });
}

/** A body in a content coding that is not accepted. */
export function encodingRefused(description: string): ZodOpenApiResponseObject {
  return problem(description, Problem, {
    "accept-encoding": z.string().meta({
      description: "The codings that are accepted.",
    }),
  });
}

/**
 * The answers to everything else that is wrong. Not `default`: a generated
 * client that can't read a file would take it for that.
 */
export const OTHERWISE = {
  "4XX": {
    ...problem(
      "400 if the Host header is not a host; 404 at another path; 405, with Allow, to another method",
      Problem,
      {
        "allow": z.string().regex(/^[A-Z]+(, [A-Z]+)*$/).optional().meta({
          description: "The methods of this path; only with 405.",
        }),
      },
    ),
    id: "Refused",
  },
  "500": {
    ...withExample(
      "500",
      problem("The service has a fault, which its log names"),
    ),
    id: "Fault",
  },
} satisfies Record<string, ZodOpenApiResponseObject>;

/** How a client proves who it is. */
export const SECURITY = [{ basic: [] }];

/** The answers of the guards of the set listener. */
export const GUARDS = {
  "401": problem("No credentials, or wrong ones", Problem, {
    "www-authenticate": z.string(),
  }),
  "403": problem("A page of another origin sent it"),
} as const;
