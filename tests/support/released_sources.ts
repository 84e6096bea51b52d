/**
 * The sources of versions that were released, from the history of the
 * repository.
 *
 * @module
 */
import { findProgram } from "./programs.ts";
import { ROOT } from "./start_command.ts";
import { TemporaryFolder } from "./temporary_folder.ts";

/** The last commit of each version. */
const RELEASES = {
  "1.0.0": "82ecc260acab1ea13450a2ded0e429d376ba4897",
  "1.3.0": "7fb204cafb9715f5aa9d644b733ed6bbeffbe251",
} as const;

/**
 * @returns Whether the clone has the commits of the releases; one of limited
 * depth may lack them.
 */
export async function areReleasesHere(): Promise<boolean> {
  const { success } = await new Deno.Command("git", {
    args: ["cat-file", "-e", `${RELEASES["1.0.0"]}^{commit}`],
    cwd: ROOT,
    stderr: "null",
  }).output().catch(() => ({ success: false }));
  return success;
}

/**
 * @param version The version.
 * @returns A folder with its sources, as the repository had them at the top.
 */
export async function releasedSources(
  version: keyof typeof RELEASES,
): Promise<TemporaryFolder> {
  const folder = new TemporaryFolder();
  const { success, stderr } = await new Deno.Command("sh", {
    args: [
      "-c",
      '"$1" archive --format=tar "$2" src deno.json | tar -x -C "$3"',
      "sh",
      findProgram("git") ?? "git",
      RELEASES[version],
      folder.path,
    ],
    cwd: ROOT,
  }).output();
  const isThere = success &&
    await Deno.stat(`${folder.path}/src/main.ts`).catch(() => undefined);
  if (isThere) return folder;
  folder[Symbol.dispose]();
  throw new Error(
    `Cannot get version ${version} out of the history: ${
      new TextDecoder().decode(stderr)
    }; clone the whole repository (git fetch --unshallow)`,
  );
}
