/**
 * Measuring in a process of its own, so that no heap is left from another
 * measurement.
 *
 * @module
 */

/**
 * @param worker The program, in this folder, which prints its figures as JSON.
 * @param args Its arguments.
 * @returns Its figures.
 * @throws {Error} If it fails.
 */
export async function measureAlone<Figures>(
  worker: string,
  args: readonly (string | number)[],
): Promise<Figures> {
  const { success, code, stdout } = await new Deno.Command("deno", {
    args: [
      "run",
      "--no-prompt",
      new URL(worker, import.meta.url).href,
      ...args.map(String),
    ],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (!success) {
    throw new Error(
      `Cannot measure: ${worker} ${args.join(" ")}: exit ${code}`,
    );
  }
  return JSON.parse(new TextDecoder().decode(stdout));
}
