/**
 * The page that shows the OpenAPI document, by Swagger UI. Its files are
 * imported, so that a compiled executable has them too; this module is loaded
 * when one is first asked for, since they take 2 MB.
 *
 * @module
 */
import swaggerCss from "swagger-ui-dist/swagger-ui.css" with { type: "text" };
import swaggerJs from "swagger-ui-dist/swagger-ui-bundle.js" with {
  type: "text",
};
import { withoutSlash } from "../page/edit_link.ts";
import { file } from "../page/page.ts";
import type { Handler } from "../server/router.ts";
import docsCss from "./docs.css" with { type: "text" };
import docsHtml from "./docs.html" with { type: "text" };
import docsJs from "./docs.js" with { type: "text" };
import accessibleJs from "./accessible.js" with { type: "text" };

/** The page and its files, by their paths. */
export const DOCS = {
  "/docs": withoutSlash(file("html", docsHtml)),
  "/docs/docs.css": file("css", docsCss),
  "/docs/accessible.js": file("js", accessibleJs),
  "/docs/docs.js": file("js", docsJs),
  "/docs/swagger-ui.js": file("js", swaggerJs),
  "/docs/swagger-ui.css": file("css", swaggerCss),
} satisfies Record<string, Handler>;
