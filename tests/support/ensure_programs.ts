/**
 * Makes sure that the tests find the programs that they need: installs them
 * with the system's package manager where it may, and else says how to get
 * them.
 *
 * @module
 */
import { findProgram, type ProgramName, PROGRAMS } from "./programs.ts";

/** How to install packages, by package manager, the first that is there. */
const PACKAGE_MANAGERS: readonly [string, readonly string[][]][] = [
  ["apt-get", [["update", "-q"], ["install", "-qy"]]],
  ["apk", [["add"]]],
  ["dnf", [["install", "-y"]]],
  ["brew", [["install"]]],
];

function missing(): ProgramName[] {
  return (Object.keys(PROGRAMS) as ProgramName[])
    .filter((name) => findProgram(name) === undefined);
}

function packageOf(name: ProgramName): string {
  return PROGRAMS[name].package ?? name;
}

function install(packages: readonly string[]): void {
  for (const [manager, steps] of PACKAGE_MANAGERS) {
    try {
      for (const [i, args] of steps.entries()) {
        const { success } = new Deno.Command(manager, {
          // The last step names them.
          args: i === steps.length - 1 ? [...args, ...packages] : args,
          stdin: "null",
          stdout: "null",
          stderr: "inherit",
          env: { DEBIAN_FRONTEND: "noninteractive" },
        }).outputSync();
        if (!success) return;
      }
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

const wanted = missing();
if (wanted.length > 0) {
  console.error(`${wanted.join(", ")}: not here, installing`);
  install(wanted.map(packageOf));
  const left = missing();
  for (const name of left) {
    console.error(
      `The tests need ${name}, which is not on the PATH. Install it with your system's
package manager (Debian: apt-get install ${
        packageOf(name)
      }, macOS: brew install ${name}),
or set ${PROGRAMS[name].variable} to its path.`,
    );
  }
  if (left.length > 0) Deno.exit(1);
}
