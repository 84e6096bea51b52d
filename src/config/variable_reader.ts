/**
 * Reading the environment variables, so that all that is wrong is told at once.
 *
 * @module
 */
import type * as z from "zod";
import type { VARIABLES } from "./variables.ts";

/** The environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One or more variables are wrong. */
export class ConfigError extends Error {
  override name = "ConfigError";

  /** @param problems One line for each wrong variable, beginning with its name. */
  constructor(readonly problems: readonly string[]) {
    super(
      `Cannot start with this configuration:\n${
        problems.map((problem) => `  ${problem}`).join("\n")
      }`,
    );
  }
}

/** What the configuration needs besides the environment. */
export interface ConfigPorts {
  /** Reads a text file; throws if it can't. */
  readTextFile(path: string): string;
  /** The machine's name. */
  hostname(): string;
  /** Some random bytes. */
  randomBytes(count: number): Uint8Array;
}

/** Reads variables and gathers what is wrong with them. */
export class VariableReader {
  readonly problems: string[] = [];

  constructor(
    private readonly environment: Environment,
    private readonly ports: Pick<ConfigPorts, "readTextFile">,
  ) {}

  /** The checked value; undefined if it is unset, empty or wrong. */
  value<T>(
    name: string,
    { fallback, schema }: {
      fallback: string | undefined;
      schema: z.ZodType<T>;
    },
  ): T | undefined {
    // An empty variable counts as unset, as Compose files leave them.
    const given = this.environment[name] || fallback;
    if (given === undefined) return undefined;
    const result = schema.safeParse(given);
    if (result.success) return result.data;
    this.problems.push(`${name} ${result.error.issues[0].message}`);
    return undefined;
  }

  /** The content of the file that a variable names. */
  file(name: keyof typeof VARIABLES): string | undefined {
    const path = this.environment[name];
    if (!path) return undefined;
    try {
      // Windows' editors begin a file with a byte order mark.
      return this.ports.readTextFile(path).replace(/^\ufeff/, "");
    } catch (error) {
      this.problems.push(
        `${name} names a file that can't be read: ${(error as Error).message}`,
      );
      return undefined;
    }
  }

  /** The certificates in the file that a variable names. */
  async certificates(
    name: keyof typeof VARIABLES,
  ): Promise<string | undefined> {
    const pem = this.file(name);
    if (pem === undefined) return undefined;
    const { normalizeCertificates } = await import("../pem.ts");
    const certificates = normalizeCertificates(pem);
    if (certificates !== undefined) return certificates;
    this.problems.push(`${name} names a file without a certificate in PEM`);
    return undefined;
  }
}
