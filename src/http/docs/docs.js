/**
 * Shows the OpenAPI document. Requests can be tried where this page came from:
 * a browser lets no page of another origin ask the other listener.
 *
 * @module
 */
/* global SwaggerUIBundle */
import { keepAccessible } from "./accessible.js";

/** Streams without end, which the page would wait for. */
const ENDLESS = ["/watch"];

// Relative to the page, which a proxy may serve below a path. The browser
// refuses requests with a user and a password in the URL.
const here = new URL(".", location.origin + location.pathname).href;

/** The listener of a path that this page came from, if it serves the path. */
function ownServer({ servers }) {
  return servers.find(({ url }) => new URL(url).host === location.host);
}

const response = await fetch(`${here}openapi.json`);
const spec = await response.json();
const tried = new Set();
for (const [path, item] of Object.entries(spec.paths)) {
  const own = ownServer(item);
  if (own === undefined) continue;
  item.servers = [{ ...own, url: here.replace(/\/$/, "") }];
  if (!ENDLESS.includes(path)) tried.add(path);
}

const onlyHere = () => ({
  statePlugins: {
    spec: {
      wrapSelectors: {
        allowTryItOutFor: () => (_state, path) => tried.has(path),
      },
    },
  },
});

/** What a page of an open listener does not show: nothing there takes a password. */
const withoutLogin = () => ({
  wrapComponents: {
    AuthorizeBtnContainer: () => () => null,
    authorizeOperationBtn: () => () => null,
  },
});

const isGuarded = ownServer(spec.paths["/set"]) !== undefined;

const dark = matchMedia("(prefers-color-scheme: dark)");
/** Swagger UI has a dark style, and leaves it to the page to choose. */
const showStyle = () =>
  document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", showStyle);
showStyle();

keepAccessible(document.getElementById("docs"));
SwaggerUIBundle({
  spec,
  dom_id: "#docs",
  plugins: isGuarded ? [onlyHere] : [onlyHere, withoutLogin],
  // It would send the document to an outside address.
  validatorUrl: null,
});
