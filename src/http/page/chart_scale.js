/**
 * How high a chart must be to be readable. It touches no element.
 *
 * @module
 */

/** The share of the samples that always fit. */
const SHARE = 0.95;
/** How many times higher than those the highest may be before it is cut. */
const SPIKE_RATIO = 4;
/** What is free above the highest value that fits. */
const MARGIN = 1.15;

/**
 * One spike would flatten all the rest, so it may be cut.
 *
 * @param columns Columns of values not below 0, null where there is none.
 * @returns The highest value that the chart shows; 1 if there is nothing to show.
 */
export function topOf(columns) {
  const values = columns.flat().filter((value) => value > 0)
    .sort((a, b) => a - b);
  if (values.length === 0) return 1;
  const most = values[values.length - 1];
  const usual = values[Math.floor(SHARE * (values.length - 1))];
  return MARGIN * (most > SPIKE_RATIO * usual ? usual : most);
}

/**
 * @param column A column of values, null where there is none.
 * @param top The highest value that the chart shows.
 * @returns The indices of the values that it does not show.
 */
export function cutOff(column, top) {
  return [...column.keys()].filter((index) => column[index] > top);
}

/**
 * @param least The lowest value; null if there is none.
 * @param most The highest value; null if there is none.
 * @returns The powers of ten around them; without any, 1 to 10.
 */
export function powersAround(least, most) {
  const from = 10 ** Math.floor(Math.log10(least || 1));
  const to = 10 ** Math.ceil(Math.log10((most || 1) * 1.01));
  return [from, to];
}

/** @returns All powers of ten from one to another. */
export function powersBetween(least, most) {
  const first = Math.round(Math.log10(least));
  const count = Math.round(Math.log10(most)) - first + 1;
  return Array.from({ length: count }, (_, i) => 10 ** (first + i));
}
