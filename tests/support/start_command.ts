/**
 * The arguments of `deno task start`, so that tests run the service with the
 * very permissions that it ships with.
 *
 * @module
 */
import project from "../../deno.json" with { type: "json" };

/** The top folder of the project. */
export const ROOT = new URL("../../", import.meta.url).pathname;

/**
 * @param folders The folders that the service may write, `DATA_DIR` first.
 * @returns The arguments of `deno` that run the service.
 */
export function startArguments(...folders: string[]): string[] {
  const match = /deno (run .*)$/.exec(project.tasks.start.command);
  if (match === null) throw new Error("deno.json has no start command");
  return match[1].split(" ")
    .filter((word) => word !== "$RUN_FLAGS")
    .map((word) => word.replace('"$FOLDERS"', folders.join(",")));
}
