/**
 * The fields of one line of CSV (RFC 4180), where speed does not matter: in the
 * header and in unusual rows.
 *
 * @module
 */
import { CR, QUOTE } from "./ascii.ts";

/**
 * @param line A line, with LF at its end and nowhere else.
 * @param separator What stands between fields.
 * @returns Each field without its quotes; or, as text, why there are none.
 */
export function readFields(
  line: Uint8Array,
  separator: number,
): Uint8Array[] | string {
  const fields: Uint8Array[] = [];
  const end = line.length - (line.at(-2) === CR ? 2 : 1);
  for (let at = 0;; at++) {
    if (line[at] === QUOTE) {
      const quote = closingQuote(line, at + 1);
      if (quote === -1) {
        return "a quote is not closed on its line, and no field may hold a line break";
      }
      fields.push(unescaped(line.subarray(at + 1, quote)));
      at = quote + 1;
      if (at < end && line[at] !== separator) {
        return "a field goes on behind its closing quote (a quote within quotes is doubled)";
      }
    } else {
      const start = at;
      while (at < end && line[at] !== separator) {
        if (line[at++] === QUOTE) {
          return "a field holds a quote and is not quoted";
        }
      }
      fields.push(line.subarray(start, at));
    }
    if (at >= end) return fields;
  }
}

/** Where the quote stands that is not doubled; -1 if there is none. */
function closingQuote(data: Uint8Array, at: number): number {
  for (;;) {
    const quote = data.indexOf(QUOTE, at);
    if (quote === -1 || data[quote + 1] !== QUOTE) return quote;
    at = quote + 2;
  }
}

/** The bytes, with one quote for each two. */
function unescaped(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(QUOTE)) return bytes;
  const out = new Uint8Array(bytes.length);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    out[length++] = bytes[i];
    if (bytes[i] === QUOTE) i++;
  }
  return out.subarray(0, length);
}
