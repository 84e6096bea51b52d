/**
 * The drawing of a chart, by uPlot: its axes, lines, and marks of what is cut.
 *
 * @module
 */
import { cutOff, powersAround, powersBetween, topOf } from "./chart_scale.js";
import { compact } from "./format.js";

/* global uPlot */

const HEIGHT_PX = 134;
const FONT = "11px system-ui, sans-serif";
/** How lines differ besides their colours. */
const DASHES = [[], [6, 3], [2, 3], [9, 3, 2, 3], [1, 2]];

/** The colours of the lines, as the style sheet says. */
function lineColour(index) {
  return css(`--chart-${index + 1}`);
}

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name);
}

/** Marks each value that is higher than the chart with a triangle at its top. */
function drawCuts(plot) {
  const { ctx, bbox, data } = plot;
  const size = 5 * devicePixelRatio;
  for (const [index, column] of data.slice(1).entries()) {
    ctx.fillStyle = lineColour(index);
    for (const at of cutOff(column, plot.scales.y.max)) {
      const x = plot.valToPos(data[0][at], "x", true);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x - size, bbox.top + 1.6 * size);
      ctx.lineTo(x + size, bbox.top + 1.6 * size);
      ctx.fill();
    }
  }
}

function scalesOf(chart, span_s) {
  return {
    x: { time: false, range: () => [-span_s, 0] },
    y: chart.logarithmic
      ? { distr: 3, range: (_plot, least, most) => powersAround(least, most) }
      : { range: ({ data }) => [0, topOf(data.slice(1))] },
  };
}

function axesOf(chart, span_s) {
  const axis = {
    stroke: css("--quiet"),
    grid: { stroke: css("--line"), width: 1 },
    ticks: { show: false },
    font: FONT,
  };
  return [
    {
      ...axis,
      // So that the lowest value stands clear of the first time.
      gap: 9,
      size: 28,
      splits: () => [5, 4, 3, 2, 1, 0].map((fifth) => -span_s * fifth / 5),
      values: (_plot, splits) =>
        splits.map((at) => at === 0 ? "now" : `${Math.round(at / 60)} min`),
    },
    {
      ...axis,
      size: 66,
      space: 34,
      values: (_plot, splits) =>
        splits.map((value) => compact(value) + chart.unit),
      ...(chart.logarithmic && {
        splits: (_plot, _axis, least, most) => powersBetween(least, most),
        filter: (_plot, splits) => splits,
      }),
    },
  ];
}

function options(chart, width, span_s) {
  const isAlone = chart.series.length === 1;
  return {
    width,
    height: HEIGHT_PX,
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: scalesOf(chart, span_s),
    axes: axesOf(chart, span_s),
    series: [
      {},
      ...chart.series.map((_series, index) => ({
        stroke: lineColour(index),
        width: 1.5,
        dash: DASHES[index % DASHES.length],
        fill: isAlone
          ? `color-mix(in srgb, ${lineColour(index)} 14%, transparent)`
          : undefined,
        // A single sample between two gaps would draw no line.
        points: { show: chart.logarithmic === true, size: 3 },
        spanGaps: false,
      })),
    ],
    hooks: { draw: chart.logarithmic ? [] : [drawCuts] },
  };
}

/** A chart's drawing, which follows the size of its place. */
export class Plot {
  #chart;
  #place;
  #span_s;
  #plot;
  #data;

  /**
   * @param chart What is drawn: its `unit`, its `series`, and whether it is
   * `logarithmic`.
   * @param place The element that holds it.
   * @param span_s How many seconds it shows, up to now.
   */
  constructor(chart, place, span_s) {
    this.#chart = chart;
    this.#place = place;
    this.#span_s = span_s;
    this.#data = [[], ...chart.series.map(() => [])];
    this.redraw();
    new ResizeObserver(() =>
      this.#plot.setSize({ width: place.clientWidth, height: HEIGHT_PX })
    ).observe(place);
  }

  /** Draws all anew, in the colours of now. */
  redraw() {
    this.#plot?.destroy();
    const drawn = options(this.#chart, this.#place.clientWidth, this.#span_s);
    this.#plot = new uPlot(drawn, this.#data, this.#place);
  }

  /**
   * @param times When the values were taken, in seconds from now.
   * @param columns A column for each of the series.
   */
  show(times, columns) {
    this.#data = [times, ...columns];
    this.#plot.setData(this.#data);
  }
}
