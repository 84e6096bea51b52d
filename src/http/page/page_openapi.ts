/**
 * What the paths of the live page answer.
 *
 * @module
 */
import * as z from "zod";
import type { PathItem, Paths } from "../openapi/responses.ts";
import { page } from "./page.ts";

/** The content types of the page's files by the end of their names. */
const TYPES: readonly [end: string, type: string][] = [
  [".js", "text/javascript"],
  [".css", "text/css"],
  ["/", "text/html"],
];

const HEADERS = z.object({
  "etag": z.string().regex(/^"[0-9a-f]{16}"$/),
  "cache-control": z.literal("no-cache"),
  "content-security-policy": z.string(),
  "x-content-type-options": z.literal("nosniff"),
  "referrer-policy": z.literal("no-referrer"),
});

function file(path: string): PathItem {
  const [, type] = TYPES.find(([end]) => path.endsWith(end))!;
  return {
    get: {
      summary: "A file of the live page",
      responses: {
        "200": {
          description: "The file",
          headers: HEADERS,
          content: { [type]: { schema: z.string() } },
        },
        "304": {
          description: "If-None-Match names its ETag",
          headers: HEADERS,
        },
      },
    },
  };
}

/** The paths of the page and its files. */
export const PAGE_PATHS: Paths = Object.fromEntries(
  Object.keys(page()).map((path) => [path, file(path)]),
);
