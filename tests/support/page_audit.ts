/**
 * What axe-core finds wrong with a page, for tests in a browser.
 *
 * @module
 */
import axe from "axe-core";
import type { Page } from "playwright-core";

/** The rules of axe-core that depend on colours. */
const COLOUR_RULES = ["color-contrast", "link-in-text-block"];

/**
 * Checks what is shown now by the rules of WCAG 2.2 A and AA, and by the good
 * practices of axe-core.
 *
 * @param rules All, or, where only the colours have changed since, theirs.
 * @returns Each violation with its place; empty if there is none.
 */
export async function audit(
  page: Page,
  rules: "all" | "colours" = "all",
): Promise<string[]> {
  if (!await page.evaluate("'axe' in globalThis")) {
    await page.evaluate(axe.source);
  }
  const options = {
    resultTypes: ["violations"],
    ...(rules === "colours" && { runOnly: COLOUR_RULES }),
  };
  return await page.evaluate(async (options) => {
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
    const { violations } = await (globalThis as any).axe.run(options);
    // deno-lint-ignore no-explicit-any -- axe-core's own result
    return violations.flatMap(({ id, help, nodes }: any) =>
      // deno-lint-ignore no-explicit-any -- as above
      nodes.map(({ html }: any) => `${id}: ${help}: ${html}`)
    );
  }, options);
}
