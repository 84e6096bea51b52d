/**
 * The page: asks this replica every few seconds and shows what it says.
 *
 * @module
 */
import { showHistory } from "./charts.js";
import { showLog } from "./log_line.js";
import { startLookUp } from "./look_up.js";
import { showReplicas } from "./replicas.js";
import { NotSentError, send } from "./request.js";
import { showSilent, showVerdict } from "./verdict_view.js";

/** How often to ask, and the longest pause while there is no answer. */
const INTERVAL_MS = 2_000;
const INTERVAL_MAX_MS = 16_000;
const TIMEOUT_MS = 5_000;

let interval_ms = INTERVAL_MS;
/** When the first request after the last answer failed. */
let silentSince;
let timer;

async function ask(path) {
  const response = await send(path, TIMEOUT_MS);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

/** When an answer was given, by the replica's clock. */
function answeredAt_ms(response) {
  return Date.parse(response.headers.get("date")) || Date.now();
}

function showFailure(error) {
  silentSince ??= new Date();
  showSilent(
    error instanceof NotSentError
      ? error.message
      : `This replica has not answered since ${silentSince.toLocaleTimeString()}.`,
  );
}

async function show() {
  const [cluster, status, history] = await Promise.all([
    ask("cluster"),
    ask("status"),
    ask("history"),
  ]);
  const seen = await cluster.json();
  const told = await status.json();
  showVerdict(seen, told);
  showReplicas(seen);
  showLog(told, answeredAt_ms(status));
  showHistory(await history.json());
  silentSince = undefined;
}

async function poll() {
  try {
    await show();
    interval_ms = INTERVAL_MS;
  } catch (error) {
    showFailure(error);
    interval_ms = Math.min(2 * interval_ms, INTERVAL_MAX_MS);
  }
  document.querySelector("main").classList.toggle(
    "old",
    silentSince !== undefined,
  );
  clearTimeout(timer);
  // A hidden page asks nothing.
  if (!document.hidden) timer = setTimeout(poll, interval_ms);
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden) poll();
});

const editLink = document.querySelector("#edit-link");
startLookUp((id) => {
  // The set listener's page takes the user over.
  editLink.href = `page#user=${encodeURIComponent(id)}`;
});
poll();
