/**
 * Programs that are asked one thing and end.
 *
 * @module
 */

/**
 * Runs a program to its end.
 *
 * @param command The program and its arguments.
 * @param signal Ends it early.
 * @returns What it printed, or undefined if there is no such program.
 * @throws {Error} If it fails, with what it said.
 */
export async function output(
  [program, ...args]: readonly string[],
  signal?: AbortSignal,
): Promise<string | undefined> {
  let result: Deno.CommandOutput;
  try {
    result = await new Deno.Command(program, {
      args,
      stdin: "null",
      ...(signal && { signal }),
    }).output();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const decoder = new TextDecoder();
  if (!result.success) {
    throw new Error(
      `${program} ended with ${result.signal ?? result.code}: ${
        decoder.decode(result.stderr)
      }`,
    );
  }
  return decoder.decode(result.stdout);
}

/** @returns Whether a program is on the PATH. */
export async function isInstalled(program: string): Promise<boolean> {
  return await output(["sh", "-c", `command -v ${program} || true`]) !== "";
}
