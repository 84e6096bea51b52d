/**
 * What the paths of the pages answer.
 *
 * @module
 */
import * as z from "zod";
import type { PathItem, Paths } from "../openapi/responses.ts";
import { EDIT_PATH } from "./edit_link.ts";
import { editPage, page } from "./page.ts";

/** The content types of the pages' files by the end of their names. */
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

/** The answers of a file. */
function answers(type: string) {
  return {
    "200": {
      description: "The file",
      headers: HEADERS,
      content: { [type]: { schema: z.string() } },
    },
    "304": { description: "If-None-Match names its ETag", headers: HEADERS },
  };
}

function file(path: string): PathItem {
  const [, type] = TYPES.find(([end]) => path.endsWith(end))!;
  return {
    get: { summary: "A file of the live page", responses: answers(type) },
  };
}

const EDIT: PathItem = {
  get: {
    operationId: "getEditPage",
    summary: "The page that follows, sets and deletes a user",
    description:
      "At the set listener. The get listener sends a browser there: to SET_PORT of the host that it has asked.",
    responses: {
      ...answers("text/html"),
      "307": {
        description: "It is there",
        headers: z.object({
          "location": z.string(),
          "cache-control": z.literal("no-store"),
        }),
      },
    },
  },
};

/** The paths of files, by which of the pages have them. */
function files(isWanted: (path: string) => boolean): Paths {
  const paths = new Set([...Object.keys(page()), ...Object.keys(editPage())]);
  paths.delete(EDIT_PATH);
  return Object.fromEntries(
    [...paths].filter(isWanted).map((path) => [path, file(path)]),
  );
}

/** The paths of the get listener's page alone. */
export const PAGE_PATHS: Paths = files((path) => !(path in editPage()));

/** The paths of the set listener's page alone. */
export const EDIT_PATHS: Paths = files((path) => !(path in page()));

/** The paths that both listeners have. */
export const SHARED_PAGE_PATHS: Paths = {
  [EDIT_PATH]: EDIT,
  ...files((path) => path in page() && path in editPage()),
};
