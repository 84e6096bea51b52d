/**
 * The programs that tests run besides Deno, and where they are.
 *
 * @module
 */

/** A program that tests need. */
interface Program {
  /** The variable that may name it. */
  readonly variable: string;
  /** What it is called with to see whether it is there. */
  readonly probe: string[];
}

/** By name, which is also the name of its package in Debian. */
export const PROGRAMS = {
  "nats-server": { variable: "NATS_SERVER_BIN", probe: ["--version"] },
  "curl": { variable: "CURL_BIN", probe: ["--version"] },
  "haproxy": { variable: "HAPROXY_BIN", probe: ["-v"] },
  "chromium": { variable: "CHROMIUM_BIN", probe: ["--version"] },
} satisfies Record<string, Program>;

/**
 * @param name The program.
 * @returns Its command: what its variable names, or what is on the PATH or in
 * the folder of services; undefined if none of them runs.
 */
export function findProgram(name: keyof typeof PROGRAMS): string | undefined {
  const { variable, probe } = PROGRAMS[name];
  const named = Deno.env.get(variable);
  return [...(named ? [named] : []), name, `/usr/sbin/${name}`]
    .find((command) => runs(command, probe));
}

function runs(command: string, args: string[]): boolean {
  try {
    return new Deno.Command(command, { args }).outputSync().success;
  } catch {
    return false;
  }
}
