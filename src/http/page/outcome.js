/**
 * The texts of answers that the page of the set listener shows.
 *
 * @module
 */
import { setAttribute, setText } from "./format.js";

/**
 * Shows how something went.
 *
 * @param place The element for it.
 * @param text The text.
 * @param kind How it went: `good`, `bad` or `unknown`.
 */
export function showOutcome(place, text, kind = "unknown") {
  setText(place, text);
  setAttribute(place, "data-kind", kind);
}

/**
 * @param text The body of an answer that is a problem, or of a proxy's page.
 * @returns Its members; none if it is no problem.
 */
export function problemOf(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
