/**
 * The paths of the get listener, and those of both.
 *
 * @module
 */
import * as z from "zod";
import type { ZodOpenApiPathItemObject } from "zod-openapi";
import { page } from "../page/page.ts";
import { json, LogSequence, problem, unavailable } from "./responses.ts";
import {
  Cluster,
  Health,
  History,
  Readiness,
  Status,
  UserGrade,
} from "./schemas.ts";

type Paths = Record<string, ZodOpenApiPathItemObject>;

const text = z.string();

/** A path that takes nothing and always has something to say. */
function report(summary: string, schema: z.ZodType): ZodOpenApiPathItemObject {
  return { get: { summary, responses: { "200": json(summary, schema) } } };
}

const get: ZodOpenApiPathItemObject = {
  get: {
    summary: "One user's record",
    requestParams: {
      query: z.object({
        user_id: z.string().min(1).meta({
          description: "In UTF-8, percent-encoded; to be given once.",
        }),
        min_sequence: z.int().min(0).optional().meta({
          description:
            "Waits until this replica has applied it: the Log-Sequence of a set, to read what was set.",
        }),
      }),
    },
    responses: {
      "200": json("The record", UserGrade, {
        "log-sequence": LogSequence.optional().meta({
          description: "What was applied; only with min_sequence.",
        }),
      }),
      "400": problem(
        "user_id is missing, given twice or no possible user_id, say",
      ),
      "404": problem("There is no such user"),
      "503": unavailable("Not ready, or min_sequence is not applied in time"),
    },
  },
};

const metrics: ZodOpenApiPathItemObject = {
  get: {
    summary: "What the replica does and how it is, for Prometheus",
    responses: {
      "200": {
        description: "Prometheus' text format 0.0.4",
        content: { "text/plain": { schema: text } },
      },
    },
  },
};

/** The content types of the page's files by the end of their names. */
const PAGE_TYPES: readonly [end: string, type: string][] = [
  [".js", "text/javascript"],
  [".css", "text/css"],
  ["/", "text/html"],
];

const PAGE_HEADERS = z.object({
  "etag": z.string().regex(/^"[0-9a-f]{16}"$/),
  "cache-control": z.literal("no-cache"),
  "content-security-policy": z.string(),
  "x-content-type-options": z.literal("nosniff"),
  "referrer-policy": z.literal("no-referrer"),
});

function pageFile(path: string): ZodOpenApiPathItemObject {
  const [, type] = PAGE_TYPES.find(([end]) => path.endsWith(end))!;
  return {
    get: {
      summary: "A file of the live page",
      responses: {
        "200": {
          description: "The file",
          headers: PAGE_HEADERS,
          content: { [type]: { schema: text } },
        },
        "304": {
          description: "If-None-Match names its ETag",
          headers: PAGE_HEADERS,
        },
      },
    },
  };
}

/** @returns The paths of this listener, and those that both listeners have. */
export function getListenerPaths(): { paths: Paths; probes: Paths } {
  return {
    paths: {
      "/get": get,
      "/status": report("The replica's state and place in the log", Status),
      "/cluster": report("All replicas as this one sees them", Cluster),
      "/history": report("The last ten minutes of this replica", History),
      "/metrics": metrics,
      "/openapi.json": report("This document", z.looseObject({})),
      ...Object.fromEntries(
        Object.keys(page()).map((path) => [path, pageFile(path)]),
      ),
    },
    probes: {
      "/healthz": report("The process answers", Health),
      "/readyz": {
        get: {
          summary: "Whether this listener can do its work",
          responses: {
            "200": json("It can", Readiness),
            "503": json("It can't, with the reason", Readiness),
          },
        },
      },
    },
  };
}
