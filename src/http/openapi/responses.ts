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
import { Problem } from "./schemas.ts";

/** What a path answers, by its methods. */
export type PathItem = ZodOpenApiPathItemObject;

/** Paths by their names. */
export type Paths = Record<string, PathItem>;

const RetryAfter = z.string().regex(/^\d+$/).meta({
  description: "Seconds after which to try again.",
});

/** A path without parameters that always answers 200. */
export function report(
  operationId: string,
  summary: string,
  schema: z.ZodType,
): PathItem {
  return {
    get: { operationId, summary, responses: { "200": json(summary, schema) } },
  };
}

/** An answer of JSON. */
export function json(
  description: string,
  schema: z.ZodType,
  headers: Record<string, z.ZodType> = {},
): ZodOpenApiResponseObject {
  return {
    description,
    content: { "application/json": { schema } },
    ...(Object.keys(headers).length > 0 && { headers: z.object(headers) }),
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

/** The answer to everything else that is wrong. */
export const OTHERWISE: ZodOpenApiResponseObject = {
  ...problem(
    "400 if the Host header is not a host; 404 at another path; 405, with Allow, to another method; 500 if the service has a fault, which its log names",
    Problem,
    {
      "allow": z.string().regex(/^[A-Z]+(, [A-Z]+)*$/).optional().meta({
        description: "The methods of this path; only with 405.",
      }),
    },
  ),
  id: "Otherwise",
};

/** How a client proves who it is. */
export const SECURITY = [{ basic: [] }];

/** The answers of the guards of the set listener. */
export const GUARDS = {
  "401": problem("No credentials, or wrong ones", Problem, {
    "www-authenticate": z.string(),
  }),
  "403": problem("A page of another origin sent it"),
} as const;
