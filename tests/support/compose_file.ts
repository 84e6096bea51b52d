/**
 * Reading docker-compose.yml as Compose does, as far as ours needs it.
 *
 * @module
 */
import { parse } from "yaml";
import { ROOT } from "./start_command.ts";

/** A service of the file. */
export interface ComposeService {
  readonly image: string;
  readonly build?: { readonly dockerfile_inline: string };
  readonly user?: string;
  readonly entrypoint?: readonly string[];
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly secrets?: readonly string[];
  readonly healthcheck: { readonly test: readonly string[] };
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly mem_limit?: string;
  readonly logging?: { readonly options: Readonly<Record<string, string>> };
  readonly restart?: string;
}

/** The file, its variables filled in. */
export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly configs: Readonly<Record<string, { readonly file: string }>>;
}

/** @param environment The variables that the file may ask for. */
export function readComposeFile(
  environment: Readonly<Record<string, string>> = {},
): ComposeFile {
  const text = Deno.readTextFileSync(`${ROOT}docker-compose.yml`);
  // Compose fills in variables after it has parsed the file.
  return JSON.parse(
    JSON.stringify(parse(text, { merge: true })),
    (_key, value) =>
      typeof value === "string"
        ? value.replace(
          /\$(?:\$|\{(\w+):-([^}]*)\})/g,
          (_match, name, fallback) =>
            name === undefined ? "$" : environment[name] || fallback,
        )
        : value,
  );
}

/** @returns The content of a file that a config names. */
export function configContent(
  { configs }: ComposeFile,
  name: "nats" | "proxy",
): string {
  return Deno.readTextFileSync(ROOT + configs[name].file);
}
