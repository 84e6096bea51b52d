/**
 * Numbers and nodes of the page.
 *
 * @module
 */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", {
  notation: "compact",
  maximumSignificantDigits: 3,
});
const precise = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** A number in full: `12,345`. */
export function full(value) {
  return whole.format(value);
}

/** A number of things: `1 row`, `2 rows`. */
export function count(value, noun) {
  return `${full(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** A number in three digits: `12.3K`. */
export function compact(value) {
  return Math.abs(value) < 1000 ? precise.format(value) : short.format(value);
}

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** A number of bytes in three digits: `12.3 MiB`. */
export function size(bytes) {
  const power = Math.min(
    Math.floor(Math.log2(Math.max(bytes, 1)) / 10),
    UNITS.length - 1,
  );
  return `${precise.format(bytes / 1024 ** power)} ${UNITS[power]}`;
}

/**
 * Makes an element. Texts become text nodes: nothing is ever read as HTML.
 *
 * @param name The element's name.
 * @param attributes Its attributes.
 * @param children Its children: nodes and texts.
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** Sets an element's text if it has changed: unchanged text stays selected. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets an attribute if it has changed. */
export function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}
