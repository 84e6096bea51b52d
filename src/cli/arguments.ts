/**
 * The arguments of the command line.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { withoutUserinfo } from "../config/url_userinfo.ts";

/** What the arguments ask for. */
export type Command =
  | { type: "help" }
  | { type: "version" }
  | {
    type: "import";
    sources: string[];
    /** Whether users who are not in the file are deleted. */
    isReplacing: boolean;
    /** The URL of a set listener; undefined for the one of this machine. */
    target: string | undefined;
  }
  | {
    type: "backup";
    file: string | undefined;
    /** The URL of a set listener; undefined for the one of this machine. */
    source: string | undefined;
  }
  | {
    type: "serve";
    /** Whether a watcher starts it again. */
    isWatched: boolean;
  };

/** A source that stands for standard input. */
export const STANDARD_INPUT = "-";

/**
 * @param args The arguments.
 * @returns What they ask for.
 * @throws {Error} If that is nothing there is.
 */
export function parseArguments(args: string[]): Command {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h" },
      version: { type: "boolean" },
      to: { type: "string" },
      replace: { type: "boolean", default: false },
      from: { type: "string" },
      // `deno task dev` says that it runs under a watcher.
      watched: { type: "boolean" },
    },
  });
  if (values.help) return { type: "help" };
  if (values.version) return { type: "version" };
  const [name, ...files] = positionals;
  if (values.to !== undefined && name !== "import") {
    throw new Error("--to only applies to import");
  }
  if (values.replace && name !== "import") {
    throw new Error("--replace only applies to import");
  }
  if (values.from !== undefined && name !== "backup") {
    throw new Error("--from only applies to backup");
  }
  switch (name) {
    case undefined:
      return { type: "serve", isWatched: values.watched === true };
    case "import":
      if (files.length === 0) throw new Error("import needs a FILE or URL");
      if (files.filter((file) => file === STANDARD_INPUT).length > 1) {
        throw new Error("Standard input (-) can be imported only once");
      }
      if (values.replace && files.length > 1) {
        throw new Error(
          "--replace takes one FILE: each one would delete the users of those before",
        );
      }
      return {
        type: "import",
        sources: files,
        isReplacing: values.replace,
        target: values.to,
      };
    case "backup":
      if (files.length > 1) throw new Error("backup writes one FILE");
      // It may hold a password, so it is not repeated.
      if (files[0]?.includes("://")) {
        throw new Error(
          "backup writes a FILE, and this one is a URL: name the service with --from URL",
        );
      }
      return { type: "backup", file: files[0], source: values.from };
    default:
      throw new Error(`There is no command ${withoutUserinfo(name)}`);
  }
}
