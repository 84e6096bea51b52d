/**
 * Finding a nats-server to test with.
 *
 * @module
 */

/**
 * @returns The program: `NATS_SERVER_BIN`, or `nats-server` from the PATH;
 * undefined if neither runs.
 */
export function findNatsServer(): string | undefined {
  const named = Deno.env.get("NATS_SERVER_BIN");
  return [...(named ? [named] : []), "nats-server", "/usr/sbin/nats-server"]
    .find(runs);
}

function runs(command: string): boolean {
  try {
    return new Deno.Command(command, { args: ["--version"] })
      .outputSync().success;
  } catch {
    return false;
  }
}
