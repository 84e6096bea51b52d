/**
 * Unit tests of many files in one thread. `deno test` starts a thread for each
 * file that it is given, which costs 0.14 s of CPU, mostly before the first
 * test: more than the tests of most files.
 *
 * @module
 */
import { ROOT } from "./start_command.ts";

/** The folders of `tests` whose files run together; "": `tests` itself alone. */
export const TOGETHER = {
  http: ["http"],
  log: ["log"],
  replica: ["replica", "cluster"],
  others: [
    "",
    "cli",
    "client",
    "config",
    "monitoring",
    "snapshot",
    "storage",
    "telemetry",
  ],
} as const;

/** Adds the tests of some folders to those of the calling file. */
export async function testTogether(
  group: keyof typeof TOGETHER,
): Promise<void> {
  for (const folder of TOGETHER[group]) {
    for (const path of testFiles(`${ROOT}tests/${folder}`, folder !== "")) {
      await import(path);
    }
  }
}

/**
 * @param folder The path of a folder.
 * @param isDeep Whether folders in it count too.
 * @returns The paths of its files of tests, in alphabetical order.
 */
export function testFiles(folder: string, isDeep = true): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = `${folder.replace(/\/$/, "")}/${name}`;
    if (isDirectory) return isDeep ? testFiles(path) : [];
    return name.endsWith("_test.ts") ? [path] : [];
  }).sort();
}
