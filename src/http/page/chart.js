/**
 * A chart: a title, the values of now, and the drawing. What is drawn is said in
 * words too.
 *
 * @module
 */
import { cutOff, topOf } from "./chart_scale.js";
import { compact, element, setAttribute, setText } from "./format.js";
import { Plot } from "./plot.js";

/** The values that there are. */
function known(column) {
  return column.filter((value) => value !== null);
}

/** A chart of the page. */
export class Chart {
  #chart;
  #values;
  #empty;
  #place;
  #plot;

  /**
   * @param chart Its `title`; its `unit`; its `series`, each with its `column`
   * in the history and, where there are several, a `name`; a `scale` by which
   * values are multiplied; whether it is `logarithmic`; and the text to show
   * while there is nothing but zeros, `empty`.
   * @param parent Where it goes.
   * @param span_s How many seconds it shows, up to now.
   */
  constructor(chart, parent, span_s) {
    this.#chart = chart;
    this.#values = chart.series.map((_series, index) =>
      element("span", { class: `chart-${index + 1}` })
    );
    this.#empty = element("p", { class: "empty" }, chart.empty ?? "");
    this.#place = element("div", { class: "plot", role: "img" });
    parent.append(
      element(
        "figure",
        {},
        element(
          "figcaption",
          {},
          element("b", {}, chart.title),
          element("span", { class: "values" }, ...this.#values),
        ),
        element("div", { class: "drawn" }, this.#place, this.#empty),
      ),
    );
    this.#plot = new Plot(chart, this.#place, span_s);
  }

  /** Draws it in the colours of now. */
  redraw() {
    this.#plot.redraw();
  }

  /**
   * @param times When the values were taken, in seconds from now.
   * @param column Gets a column of the history by its name.
   */
  show(times, column) {
    const { scale = 1, series } = this.#chart;
    const columns = series.map((one) =>
      column(one.column).map((value) => value === null ? null : value * scale)
    );
    this.#plot.show(times, columns);
    this.#say(columns);
  }

  #say(columns) {
    const { title, logarithmic, empty } = this.#chart;
    const isEmpty = empty !== undefined &&
      columns.every((column) => column.every((value) => !value));
    this.#empty.hidden = !isEmpty;
    const top = logarithmic ? Infinity : topOf(columns);
    const texts = columns.map((column, index) =>
      this.#sayOne(column, index, top)
    ).filter((text) => text !== undefined);
    const text = isEmpty || texts.length === 0
      ? empty ?? "nothing yet"
      : texts.join("; ");
    setAttribute(this.#place, "aria-label", `${title}: ${text}`);
  }

  /** Shows the value of now of one line, and says it, if there is one. */
  #sayOne(column, index, top) {
    const { unit, series } = this.#chart;
    const { name } = series[index];
    const last = column[column.length - 1] ?? null;
    const most = Math.max(0, ...known(column));
    // Of many lines, most are often empty.
    const isHidden = series.length > 2 && most === 0;
    const now = last === null ? "–" : compact(last) + unit;
    const peak = cutOff(column, top).length > 0
      ? ` ▲ up to ${compact(most)}${unit}`
      : "";
    const value = this.#values[index];
    value.hidden = isHidden;
    setText(value, `${name === undefined ? "" : `${name} `}${now}${peak}`);
    if (isHidden || known(column).length === 0) return undefined;
    const said = `now ${now}, at most ${compact(most)}${unit}`;
    return name === undefined ? said : `${name} ${said}`;
  }
}
