/**
 * The charts of this replica's last minutes.
 *
 * @module
 */
import { compact, element, setAttribute, setText } from "./format.js";

/* global uPlot */

const HEIGHT_PX = 130;
const MIB = 1024 * 1024;

const CHARTS = [
  {
    title: "Gets",
    unit: "/s",
    series: [{ column: "gets_per_s" }],
  },
  {
    title: "Sets",
    unit: "/s",
    series: [{ column: "sets_per_s" }],
  },
  {
    title: "Commit latency",
    unit: " ms",
    // Makes both the usual and the worst values readable.
    logarithmic: true,
    series: [
      { column: "commit_p50_ms", name: "p50" },
      { column: "commit_p99_ms", name: "p99" },
    ],
  },
  {
    title: "Memory",
    unit: " MiB",
    scale: 1 / MIB,
    series: [{ column: "rss_bytes" }],
  },
];

const CLASSES = ["first", "second"];

let shown = [];

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name);
}

/** The powers of ten around some values; without any, 1 to 10. */
function powersOfTen(_plot, least, most) {
  return [
    10 ** Math.floor(Math.log10(least || 1)),
    10 ** Math.ceil(Math.log10((most || 1) * 1.01)),
  ];
}

/** All powers of ten from one to another. */
function powersBetween(_plot, _axis, least, most) {
  const first = Math.round(Math.log10(least));
  const count = Math.round(Math.log10(most)) - first + 1;
  return Array.from({ length: count }, (_, i) => 10 ** (first + i));
}

function options(chart, width, span_s) {
  const axis = {
    stroke: css("--quiet"),
    grid: { stroke: css("--line"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui, sans-serif",
  };
  const colours = [css("--accent"), css("--second")];
  return {
    width,
    height: HEIGHT_PX,
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: () => [-span_s, 0] },
      y: chart.logarithmic
        ? { distr: 3, range: powersOfTen }
        : { range: (_plot, _least, most) => [0, (most || 1) * 1.15] },
    },
    axes: [
      {
        ...axis,
        size: 24,
        splits: () => [5, 4, 3, 2, 1, 0].map((fifth) => -span_s * fifth / 5),
        values: (_plot, splits) =>
          splits.map((at) => at === 0 ? "now" : `${Math.round(at / 60)} min`),
      },
      {
        ...axis,
        size: 46,
        space: 34,
        values: (_plot, splits) => splits.map(compact),
        ...(chart.logarithmic &&
          { splits: powersBetween, filter: (_plot, splits) => splits }),
      },
    ],
    series: [
      {},
      ...chart.series.map((_series, i) => ({
        stroke: colours[i],
        width: 1.5,
        fill: i === 0 && chart.series.length === 1
          ? `color-mix(in srgb, ${colours[0]} 14%, transparent)`
          : undefined,
        // A single sample between two gaps would draw no line.
        points: { show: chart.series.length > 1, size: 3 },
        spanGaps: false,
      })),
    ],
  };
}

function make(chart, span_s) {
  const values = chart.series.map((_series, i) =>
    element("span", { class: CLASSES[i] }, "–")
  );
  const place = element("div", { class: "plot", role: "img" });
  const figure = element(
    "figure",
    {},
    element(
      "figcaption",
      {},
      element("b", {}, chart.title),
      element(
        "span",
        {},
        ...values.flatMap((value, i) => i === 0 ? [value] : [" · ", value]),
      ),
    ),
    place,
  );
  document.querySelector("#charts").append(figure);
  const data = [[], ...chart.series.map(() => [])];
  const made = { chart, values, place, plot: undefined, data };
  made.draw = () => {
    made.plot?.destroy();
    const drawn = options(chart, place.clientWidth, span_s);
    made.plot = new uPlot(drawn, made.data, place);
  };
  made.draw();
  new ResizeObserver(() =>
    made.plot.setSize({ width: place.clientWidth, height: HEIGHT_PX })
  ).observe(place);
  return made;
}

function say({ chart, values, place }, columns) {
  const texts = chart.series.map(({ name }, i) => {
    const known = columns[i].filter((value) => value !== null);
    const last = columns[i][columns[i].length - 1] ?? null;
    const text = last === null ? "–" : compact(last) + chart.unit;
    setText(values[i], name === undefined ? text : `${name} ${text}`);
    const most = known.length === 0
      ? "nothing yet"
      : `now ${text}, at most ${compact(Math.max(...known))}${chart.unit}`;
    return name === undefined ? most : `${name} ${most}`;
  });
  setAttribute(place, "aria-label", `${chart.title}: ${texts.join("; ")}`);
}

/**
 * Shows the answer of `/history`.
 *
 * @param history The answer.
 */
export function showHistory({ now_s, step_s, samples_max, columns }) {
  if (shown.length === 0) {
    shown = CHARTS.map((chart) => make(chart, step_s * samples_max));
  }
  const times = columns.at_s.map((at_s) => at_s - now_s);
  for (const one of shown) {
    const { scale = 1, series } = one.chart;
    const scaled = series.map(({ column }) =>
      columns[column].map((value) => value === null ? null : value * scale)
    );
    one.data = [times, ...scaled];
    one.plot.setData(one.data);
    say(one, scaled);
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const { draw } of shown) draw();
});
