/**
 * The files of both pages. They are imported, so that a compiled executable has
 * them too; this module is loaded when one is first asked for.
 *
 * @module
 */
import uplotCss from "uplot/dist/uPlot.min.css" with { type: "text" };
import uplotJs from "uplot/dist/uPlot.iife.js" with { type: "text" };
import chartJs from "./chart.js" with { type: "text" };
import chartScaleJs from "./chart_scale.js" with { type: "text" };
import chartsCss from "./charts.css" with { type: "text" };
import chartsJs from "./charts.js" with { type: "text" };
import editHtml from "./edit.html" with { type: "text" };
import editJs from "./edit.js" with { type: "text" };
import findUsersJs from "./find_users.js" with { type: "text" };
import followerJs from "./follower.js" with { type: "text" };
import formsCss from "./forms.css" with { type: "text" };
import formatJs from "./format.js" with { type: "text" };
import importFileJs from "./import_file.js" with { type: "text" };
import indexHtml from "./index.html" with { type: "text" };
import logLineJs from "./log_line.js" with { type: "text" };
import lookUpJs from "./look_up.js" with { type: "text" };
import outcomeJs from "./outcome.js" with { type: "text" };
import pageCss from "./page.css" with { type: "text" };
import pageJs from "./page.js" with { type: "text" };
import plotJs from "./plot.js" with { type: "text" };
import recordJs from "./record.js" with { type: "text" };
import replicaRowJs from "./replica_row.js" with { type: "text" };
import replicasCss from "./replicas.css" with { type: "text" };
import replicasJs from "./replicas.js" with { type: "text" };
import requestJs from "./request.js" with { type: "text" };
import saveBackupJs from "./save_backup.js" with { type: "text" };
import usersCss from "./users.css" with { type: "text" };
import verdictJs from "./verdict.js" with { type: "text" };
import verdictViewJs from "./verdict_view.js" with { type: "text" };

/** The texts, by their names in `/page/`. */
export const PAGE_FILES = {
  "uplot.css": uplotCss,
  "uplot.js": uplotJs,
  "chart.js": chartJs,
  "chart_scale.js": chartScaleJs,
  "charts.css": chartsCss,
  "charts.js": chartsJs,
  "edit.html": editHtml,
  "edit.js": editJs,
  "find_users.js": findUsersJs,
  "follower.js": followerJs,
  "forms.css": formsCss,
  "format.js": formatJs,
  "import_file.js": importFileJs,
  "index.html": indexHtml,
  "log_line.js": logLineJs,
  "look_up.js": lookUpJs,
  "outcome.js": outcomeJs,
  "page.css": pageCss,
  "page.js": pageJs,
  "plot.js": plotJs,
  "record.js": recordJs,
  "replica_row.js": replicaRowJs,
  "replicas.css": replicasCss,
  "replicas.js": replicasJs,
  "request.js": requestJs,
  "save_backup.js": saveBackupJs,
  "users.css": usersCss,
  "verdict.js": verdictJs,
  "verdict_view.js": verdictViewJs,
};
