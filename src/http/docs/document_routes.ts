/**
 * The routes that document the interface, at both listeners.
 *
 * @module
 */
import { withoutSlash } from "../page/edit_link.ts";
import { file } from "../page/page.ts";
import type { Handler } from "../server/router.ts";
import type { DOCS_FILES } from "./docs_files.ts";
import type { ListenerName, ListenerPlaces } from "./listener_urls.ts";
import { openApi } from "./openapi.ts";

/** The files of the page, at `/docs/`. */
const FILES: readonly (keyof typeof DOCS_FILES)[] = [
  "docs.css",
  "docs.js",
  "accessible.js",
  "swagger-ui.js",
  "swagger-ui.css",
];

/**
 * @param own The listener that answers.
 * @param places Where the listeners are.
 * @param describe Makes the OpenAPI document.
 */
export function documentRoutes(
  own: ListenerName,
  places: ListenerPlaces,
  describe: () => Promise<string>,
): Record<string, Handler> {
  return {
    "/openapi.json": openApi(own, places, describe),
    "/docs": withoutSlash(docsFile("docs.html")),
    ...Object.fromEntries(
      FILES.map((name) => [`/docs/${name}`, docsFile(name)]),
    ),
  };
}

function docsFile(name: keyof typeof DOCS_FILES): Handler {
  return file(
    name,
    async () => (await import("./docs_files.ts")).DOCS_FILES[name],
  );
}
