/**
 * A page used by keyboard alone, for tests in a browser.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";

/** More than a test has to press Tab between two of its steps. */
const TABS_MAX = 20;

/** Uses a page as one who has no mouse, and wants to see where the keyboard is. */
export class Keyboard {
  constructor(private readonly page: Page) {}

  /** Goes on, or back with Shift, until an element has the focus, to be seen. */
  async tabTo(selector: string, key = "Tab"): Promise<void> {
    for (let presses = 0; presses < TABS_MAX; presses++) {
      await this.press(key);
      if (!await this.isAt(selector)) continue;
      const outline = "getComputedStyle(document.activeElement).outlineStyle";
      return assert.equal(await this.page.evaluate(outline), "solid");
    }
    throw new Error(`No ${TABS_MAX} tabs lead to ${selector}`);
  }

  async press(key: string): Promise<void> {
    await this.page.keyboard.press(key);
  }

  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text);
  }

  async isAt(selector: string): Promise<boolean> {
    return await this.page.evaluate(hasFocus(selector));
  }

  /** Waits until the page itself has given an element the focus. */
  async untilAt(selector: string): Promise<void> {
    await this.page.waitForFunction(hasFocus(selector));
  }
}

function hasFocus(selector: string): string {
  return `document.activeElement.matches(${JSON.stringify(selector)})`;
}
