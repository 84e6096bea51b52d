/**
 * The files of the page that shows the OpenAPI document, by Swagger UI. They are
 * imported, so that a compiled executable has them too; this module is loaded
 * when one is first asked for, since they take 2 MB.
 *
 * @module
 */
import swaggerCss from "swagger-ui-dist/swagger-ui.css" with { type: "text" };
import swaggerJs from "swagger-ui-dist/swagger-ui-bundle.js" with {
  type: "text",
};
import docsCss from "./docs.css" with { type: "text" };
import docsHtml from "./docs.html" with { type: "text" };
import docsJs from "./docs.js" with { type: "text" };
import accessibleJs from "./accessible.js" with { type: "text" };

/** The texts, by their names. */
export const DOCS_FILES = {
  "docs.html": docsHtml,
  "docs.css": docsCss,
  "accessible.js": accessibleJs,
  "docs.js": docsJs,
  "swagger-ui.js": swaggerJs,
  "swagger-ui.css": swaggerCss,
};
