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
