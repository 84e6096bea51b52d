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
  /** Its package in Debian, if that has another name. */
  readonly package?: string;
}

const programs = {
  "nats-server": { variable: "NATS_SERVER_BIN", probe: ["--version"] },
  "git": { variable: "GIT_BIN", probe: ["--version"] },
  "curl": { variable: "CURL_BIN", probe: ["--version"] },
  "haproxy": { variable: "HAPROXY_BIN", probe: ["-v"] },
  "chromium": { variable: "CHROMIUM_BIN", probe: ["--version"] },
  "node": { variable: "NODE_BIN", probe: ["--version"], package: "nodejs" },
  "python3": { variable: "PYTHON3_BIN", probe: ["--version"] },
  "sqlite3": { variable: "SQLITE3_BIN", probe: ["--version"] },
  "file": { variable: "FILE_BIN", probe: ["--version"] },
  "gzip": { variable: "GZIP_BIN", probe: ["--version"] },
  "bgzip": { variable: "BGZIP_BIN", probe: ["--version"], package: "tabix" },
  "pigz": { variable: "PIGZ_BIN", probe: ["--version"] },
  "zip": { variable: "ZIP_BIN", probe: ["-v"] },
  "xz": { variable: "XZ_BIN", probe: ["--version"], package: "xz-utils" },
  "bzip2": { variable: "BZIP2_BIN", probe: ["--help"] },
  "zstd": { variable: "ZSTD_BIN", probe: ["--version"] },
} satisfies Record<string, Program>;

/** The name of a program that tests need. */
export type ProgramName = keyof typeof programs;

/** The programs by their names. */
export const PROGRAMS: Readonly<Record<ProgramName, Program>> = programs;

/**
 * @param name The program.
 * @returns Its command: what its variable names, or what is on the PATH or in
 * the folder of services; undefined if none of them runs.
 */
export function findProgram(name: ProgramName): string | undefined {
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
