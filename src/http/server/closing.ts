/**
 * Whether listeners of this process are closing connections. The runtime says
 * the same of a body whose client has cut it and of one that a shutdown breaks.
 *
 * @module
 */

/** How many servers are being shut down. */
let closing = 0;

/**
 * Shuts a server down: it accepts no more, closes its idle connections, and
 * breaks the bodies that are on their way.
 *
 * @returns Resolves when all its requests are answered.
 */
export async function closeServer(server: Deno.HttpServer): Promise<void> {
  closing++;
  try {
    await server.shutdown();
  } catch {
    // It has failed already, and has no connections.
  } finally {
    closing--;
  }
}

/** Whether a body that breaks now may be broken by this side. */
export function isClosing(): boolean {
  return closing > 0;
}
