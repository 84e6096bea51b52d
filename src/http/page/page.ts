/**
 * The live page of the get listener, and the page of the set listener that sets
 * and deletes: a few static files, held in memory. They are imported, so that a
 * compiled executable has them too.
 *
 * @module
 */
import { createHash } from "node:crypto";
import uplotCss from "uplot/dist/uPlot.min.css" with { type: "text" };
import uplotJs from "uplot/dist/uPlot.iife.js" with { type: "text" };
import chartJs from "./chart.js" with { type: "text" };
import chartScaleJs from "./chart_scale.js" with { type: "text" };
import chartsCss from "./charts.css" with { type: "text" };
import chartsJs from "./charts.js" with { type: "text" };
import editHtml from "./edit.html" with { type: "text" };
import editJs from "./edit.js" with { type: "text" };
import followerJs from "./follower.js" with { type: "text" };
import formsCss from "./forms.css" with { type: "text" };
import formatJs from "./format.js" with { type: "text" };
import indexHtml from "./index.html" with { type: "text" };
import logLineJs from "./log_line.js" with { type: "text" };
import lookUpJs from "./look_up.js" with { type: "text" };
import pageCss from "./page.css" with { type: "text" };
import pageJs from "./page.js" with { type: "text" };
import plotJs from "./plot.js" with { type: "text" };
import recordJs from "./record.js" with { type: "text" };
import replicaRowJs from "./replica_row.js" with { type: "text" };
import replicasCss from "./replicas.css" with { type: "text" };
import replicasJs from "./replicas.js" with { type: "text" };
import requestJs from "./request.js" with { type: "text" };
import verdictJs from "./verdict.js" with { type: "text" };
import verdictViewJs from "./verdict_view.js" with { type: "text" };
import { getAndHead, type Handler } from "../server/router.ts";
import { EDIT_PATH, withoutSlash } from "./edit_link.ts";

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

/** The files of both pages. */
const SHARED_FILES: Record<string, Handler> = {
  "/page/page.css": file("css", pageCss),
  "/page/forms.css": file("css", formsCss),
  "/page/look_up.js": file("js", lookUpJs),
  "/page/follower.js": file("js", followerJs),
  "/page/record.js": file("js", recordJs),
  "/page/request.js": file("js", requestJs),
  "/page/format.js": file("js", formatJs),
};

/** @returns The routes of the live page and its files. */
export function page(): Record<string, Handler> {
  return {
    ...SHARED_FILES,
    "/": file("html", indexHtml),
    "/page/page.js": file("js", pageJs),
    "/page/verdict.js": file("js", verdictJs),
    "/page/verdict_view.js": file("js", verdictViewJs),
    "/page/replicas.js": file("js", replicasJs),
    "/page/replica_row.js": file("js", replicaRowJs),
    "/page/replicas.css": file("css", replicasCss),
    "/page/log_line.js": file("js", logLineJs),
    "/page/charts.js": file("js", chartsJs),
    "/page/chart.js": file("js", chartJs),
    "/page/chart_scale.js": file("js", chartScaleJs),
    "/page/plot.js": file("js", plotJs),
    "/page/charts.css": file("css", chartsCss),
    "/page/uplot.js": file("js", uplotJs),
    "/page/uplot.css": file("css", uplotCss),
  };
}

/** @returns The routes of the page that sets and deletes, and of its files. */
export function editPage(): Record<string, Handler> {
  return {
    ...SHARED_FILES,
    [EDIT_PATH]: withoutSlash(file("html", editHtml)),
    "/page/edit.js": file("js", editJs),
  };
}

/** A browser asks each time, and gets the file only if it has changed. */
function file(type: keyof typeof TYPES, text: string): Handler {
  const tag = createHash("sha256").update(text).digest("hex").slice(0, 16);
  const headers = {
    "content-type": TYPES[type],
    "cache-control": "no-cache",
    "etag": `"${tag}"`,
    "content-security-policy": SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
  };
  const handler: Handler = ({ headers: asked }) =>
    // A proxy may have made the tag a weak one.
    asked.get("if-none-match")?.includes(tag)
      ? new Response(null, { status: 304, headers })
      : new Response(text, { headers });
  return getAndHead(handler);
}
