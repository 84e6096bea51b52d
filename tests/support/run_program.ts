/**
 * Running other programs on bytes, for tests.
 *
 * @module
 */
import assert from "node:assert/strict";
import { findProgram, type ProgramName } from "./programs.ts";

/**
 * @param name The program.
 * @param args Its arguments.
 * @param input What it reads on standard input.
 * @returns What it wrote on standard output.
 */
export function runProgram(
  name: ProgramName,
  args: readonly string[],
  input: Uint8Array<ArrayBuffer> | string = "",
): Promise<Uint8Array<ArrayBuffer>> {
  return runFile(findProgram(name)!, args, input);
}

/** As {@linkcode runProgram}, for the program in a file. */
export async function runFile(
  path: string,
  args: readonly string[],
  input: Uint8Array<ArrayBuffer> | string = "",
): Promise<Uint8Array<ArrayBuffer>> {
  const child = new Deno.Command(path, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const fed = new Blob([input]).stream().pipeTo(child.stdin).catch(() => {});
  const { success, stdout, stderr } = await child.output();
  await fed;
  assert.ok(success, `${path}: ${new TextDecoder().decode(stderr)}`);
  return stdout;
}
