/**
 * The text of `--help`.
 *
 * @module
 */
import { VARIABLES } from "../config/variables.ts";
import { VERSION } from "../version.ts";

/** @returns What the commands are, and which variables there are. */
export function help(): string {
  const rows = Object.entries(VARIABLES).map(([name, variable]) =>
    `  ${name.padEnd(20)} ${variable.meaning}${
      variable.fallback === undefined ? "" : ` [${variable.fallback}]`
    }`
  );
  return `usergrade ${VERSION}: keeps user grades in memory

Usage: usergrade [--help | --version]
       usergrade import FILE|URL|-... [--to URL] [--replace]
       usergrade backup [FILE|-] [--from URL]

The service is configured by environment variables [defaults in brackets]:
${rows.join("\n")}

import sends CSV files of user grades, plain or gzip, to the set listener at
--to. A URL is the http://.../backup of another service; - is standard input.
With --replace, users who are not in the one FILE are deleted.

backup downloads a backup from the set listener at --from and verifies it. FILE
is a new file, a folder, or - for standard output; without it, the service names
the file.

--to and --from are [http://127.0.0.1:SET_PORT] by default. Both commands log in
with the user and password in a URL, or with AUTH_USER and AUTH_PASSWORD or
AUTH_PASSWORD_FILE. They use no proxy.

Exit status: 0 after SIGTERM, SIGINT or SIGHUP, 1 if it fails, 2 if the configuration is wrong.`;
}
