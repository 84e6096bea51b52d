/**
 * Makes sure that the tests find a nats-server: installs it with the system's
 * package manager where it may, and else says how to get it.
 *
 * @module
 */
import { findNatsServer } from "./nats_server_binary.ts";

/** How to install it, by package manager, the first that is there. */
const PACKAGE_MANAGERS: readonly [string, readonly string[][]][] = [
  ["apt-get", [["update", "-q"], ["install", "-qy", "nats-server"]]],
  ["apk", [["add", "nats-server"]]],
  ["dnf", [["install", "-y", "nats-server"]]],
  ["brew", [["install", "nats-server"]]],
];

const HOW_TO = `The tests need nats-server, which is not on the PATH.
Install it with your system's package manager (Debian: apt-get install nats-server,
macOS: brew install nats-server), or set NATS_SERVER_BIN to its path.`;

function install(): void {
  for (const [manager, steps] of PACKAGE_MANAGERS) {
    try {
      for (const args of steps) {
        const { success } = new Deno.Command(manager, {
          args,
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

if (findNatsServer() === undefined) {
  console.error("nats-server is not here: installing it");
  install();
  if (findNatsServer() === undefined) {
    console.error(HOW_TO);
    Deno.exit(1);
  }
}
