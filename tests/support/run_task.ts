/**
 * The project's commands, run as a person runs them.
 *
 * @module
 */
import { PASSWORD, USER } from "./credentials.ts";
import { ROOT } from "./start_command.ts";

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: Uint8Array;
  /** What it wrote to standard output and standard error, as text. */
  readonly text: string;
}

/**
 * Runs `deno task NAME ARGS` in a folder.
 *
 * @param folder Where the person stands.
 * @param args The task and its arguments.
 * @param options More variables, or others, and what comes in.
 */
export async function runTask(
  folder: string,
  args: string[],
  { env = {}, input = "" }: { env?: Record<string, string>; input?: string } =
    {},
): Promise<Ended> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "--config", `${ROOT}deno.json`, ...args],
    cwd: folder,
    env: {
      AUTH_USER: USER,
      AUTH_PASSWORD: PASSWORD,
      NO_COLOR: "1",
      // The tests are run by a task too, which has set it for all below it.
      INIT_CWD: folder,
      ...env,
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout,
    text: decoder.decode(stdout) + decoder.decode(stderr),
  };
}
