/**
 * The charts of this replica's last minutes.
 *
 * @module
 */
import { Chart } from "./chart.js";

const MIB = 1024 * 1024;

const CHARTS = [
  {
    title: "Gets",
    unit: "/s",
    empty: "No gets in ten minutes. Send one to /get.",
    series: [{ column: "gets_per_s" }],
  },
  {
    title: "Sets",
    unit: "/s",
    empty: "No sets in ten minutes. Send one to /set.",
    series: [{ column: "sets_per_s" }],
  },
  {
    title: "Commit latency",
    unit: " ms",
    empty: "Shown as soon as a set commits.",
    // Makes both the usual and the worst values readable.
    logarithmic: true,
    series: [
      { column: "commit_p50_ms", name: "p50" },
      { column: "commit_p99_ms", name: "p99" },
    ],
  },
  {
    title: "Refused sets and deletions",
    unit: "/s",
    empty: "None was refused.",
    series: [
      { column: "refused_per_s.not_ready", name: "not ready" },
      { column: "refused_per_s.queue_full", name: "queue full" },
      { column: "refused_per_s.not_stored", name: "not stored" },
      { column: "refused_per_s.outcome_unknown", name: "outcome unknown" },
      { column: "refused_per_s.not_applied", name: "stored, not applied" },
    ],
  },
  {
    title: "Errors answered",
    unit: "/s",
    empty: "No errors.",
    series: [
      { column: "errors_per_s.client", name: "client (4xx)" },
      { column: "errors_per_s.server", name: "server (5xx)" },
    ],
  },
  {
    title: "Memory",
    unit: " MiB",
    scale: 1 / MIB,
    series: [{ column: "rss_bytes" }],
  },
];

let shown = [];

/**
 * Shows the answer of `/history`.
 *
 * @param history The answer.
 */
export function showHistory({ now_s, step_s, samples_max, columns }) {
  if (shown.length === 0) {
    const parent = document.querySelector("#charts");
    shown = CHARTS.map((one) => new Chart(one, parent, step_s * samples_max));
  }
  const times = columns.at_s.map((at_s) => at_s - now_s);
  // Before the first sample there are no reasons.
  const column = (path) =>
    path.split(".").reduce((value, name) => value?.[name], columns) ?? [];
  for (const chart of shown) chart.show(times, column);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const chart of shown) chart.redraw();
});
