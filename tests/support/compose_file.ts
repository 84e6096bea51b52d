/**
 * Reading docker-compose.yml as Compose does, as far as ours needs it.
 *
 * @module
 */
import { parse } from "yaml";

/** A service of the file. */
export interface ComposeService {
  readonly image?: string;
  readonly build?: { readonly dockerfile_inline: string };
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly healthcheck: { readonly test: readonly string[] };
}

/** The file, its variables filled in. */
export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
}

/**
 * @param environment The variables that the file asks for.
 * @throws {Error} If one is asked for with `:?` and is not there.
 */
export function readComposeFile(
  environment: Readonly<Record<string, string>>,
): ComposeFile {
  const text = Deno.readTextFileSync(
    new URL("../../docker-compose.yml", import.meta.url),
  );
  const fill = (_match: string, name: string, message: string) => {
    if (!environment[name]) throw new Error(`${name} ${message}`);
    return environment[name];
  };
  // Compose fills in variables after it has parsed the file: a password of
  // digits stays text.
  return JSON.parse(
    JSON.stringify(parse(text, { merge: true })),
    (_key, value) =>
      typeof value === "string"
        ? value.replace(/\$\{(\w+):\?([^}]*)\}/g, fill)
        : value,
  );
}
