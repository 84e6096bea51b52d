/**
 * What axe-core finds wrong with a page, for tests in a browser.
 *
 * @module
 */
import axe from "axe-core";
import type { Page } from "playwright-core";

/**
 * Checks what is shown now by the rules of WCAG 2.2 A and AA, and by the good
 * practices of axe-core.
 *
 * @returns Each violation with its place; empty if there is none.
 */
export async function audit(page: Page): Promise<string[]> {
  if (!await page.evaluate("'axe' in globalThis")) {
    await page.evaluate(axe.source);
  }
  return await page.evaluate(async () => {
    // Half-way between two colours the contrast is too low.
    await Promise.allSettled(
      // deno-lint-ignore no-explicit-any -- the browser's document
      (globalThis as any).document.getAnimations()
        // deno-lint-ignore no-explicit-any -- the browser's animations
        .filter((one: any) => one.effect.getComputedTiming().endTime < Infinity)
        // deno-lint-ignore no-explicit-any -- as above
        .map((one: any) => one.finished),
    );
    // deno-lint-ignore no-explicit-any -- the browser's global, not Deno's
    const { violations } = await (globalThis as any).axe.run({
      resultTypes: ["violations"],
    });
    // deno-lint-ignore no-explicit-any -- axe-core's own result
    return violations.flatMap(({ id, help, nodes }: any) =>
      // deno-lint-ignore no-explicit-any -- as above
      nodes.map(({ html }: any) => `${id}: ${help}: ${html}`)
    );
  });
}
