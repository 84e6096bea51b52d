/**
 * The live page of the get listener, and the page of the set listener that sets
 * and deletes: a few static files, loaded when one is first asked for.
 *
 * @module
 */
import { lazy } from "../../lazy.ts";
import { getAndHead, type Handler } from "../server/router.ts";
import { EDIT_PATH, withoutSlash } from "./edit_link.ts";
import type { PAGE_FILES } from "./page_files.ts";

/** Only the page's own files run, and they talk to this listener alone. */
const SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const TYPES: Record<string, string> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
};

/** The name of a file of the pages. */
type FileName = keyof typeof PAGE_FILES;

/** The files of both pages. */
const SHARED_FILES: readonly FileName[] = [
  "page.css",
  "forms.css",
  "look_up.js",
  "follower.js",
  "record.js",
  "request.js",
  "format.js",
];

/** The files of the live page. */
const LIVE_FILES: readonly FileName[] = [
  "page.js",
  "verdict.js",
  "verdict_view.js",
  "replicas.js",
  "replica_row.js",
  "replicas.css",
  "log_line.js",
  "charts.js",
  "chart.js",
  "chart_scale.js",
  "plot.js",
  "charts.css",
  "uplot.js",
  "uplot.css",
];

/** The files of the page that sets and deletes. */
const EDIT_FILES: readonly FileName[] = [
  "edit.js",
  "find_users.js",
  "import_file.js",
  "save_backup.js",
  "outcome.js",
  "users.css",
];

/** @returns The routes of the live page and its files. */
export function page(): Record<string, Handler> {
  return {
    ...files([...SHARED_FILES, ...LIVE_FILES]),
    "/": pageFile("index.html"),
  };
}

/** @returns The routes of the page that sets and deletes, and of its files. */
export function editPage(): Record<string, Handler> {
  return {
    ...files([...SHARED_FILES, ...EDIT_FILES]),
    [EDIT_PATH]: withoutSlash(pageFile("edit.html")),
  };
}

function files(names: readonly FileName[]): Record<string, Handler> {
  return Object.fromEntries(
    names.map((name) => [`/page/${name}`, pageFile(name)]),
  );
}

function pageFile(name: FileName): Handler {
  return file(
    name,
    async () => (await import("./page_files.ts")).PAGE_FILES[name],
  );
}

/**
 * A browser asks each time, and gets the file only if it has changed.
 *
 * @param name Its extension tells its type.
 * @param load Loads its text when it is first asked for.
 */
export function file(name: string, load: () => Promise<string>): Handler {
  const loaded = lazy(async () => {
    const text = await load();
    const tag = await hashOf(text);
    const headers = {
      "content-type": TYPES[name.slice(name.lastIndexOf(".") + 1)],
      "cache-control": "no-cache",
      "etag": `"${tag}"`,
      "content-security-policy": SECURITY_POLICY,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    };
    return { text, tag, headers };
  });
  return getAndHead(async ({ headers: asked }) => {
    const { text, tag, headers } = await loaded();
    // A proxy may have made the tag a weak one.
    return asked.get("if-none-match")?.includes(tag)
      ? new Response(null, { status: 304, headers })
      : new Response(text, { headers });
  });
}

async function hashOf(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(hash, 0, 8).toHex();
}
