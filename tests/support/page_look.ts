/**
 * How a page looks, for tests in a browser.
 *
 * @module
 */
import type { Page } from "playwright-core";

/** @returns The colours of the page, and how wide it is. */
export async function look(page: Page) {
  return await page.evaluate(() => {
    // deno-lint-ignore no-explicit-any -- the browser's global, not Deno's
    const { document, getComputedStyle } = globalThis as any;
    const { color, backgroundColor } = getComputedStyle(document.body);
    const brightness = (colour: string) => Number(/\d+/.exec(colour)![0]);
    return {
      text: brightness(color),
      ground: brightness(backgroundColor),
      width: document.documentElement.scrollWidth as number,
    };
  });
}
