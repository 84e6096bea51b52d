/**
 * Ports on 127.0.0.1.
 *
 * @module
 */

/** @returns A port that was free a moment ago. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** @throws {Error} If nobody listens on the port. */
export async function knock(port: number): Promise<void> {
  (await Deno.connect({ hostname: "127.0.0.1", port })).close();
}
