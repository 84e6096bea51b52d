/**
 * The least that `Deno.serve` can do, to compare with. `ok` answers "ok" to
 * everything; `echo` parses the body as JSON and answers with it as JSON. It
 * prints its URL.
 *
 * @module
 */

const handlers: Record<string, Deno.ServeHandler> = {
  ok: () => new Response("ok"),
  echo: async (request) => Response.json(await request.json()),
};

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(`http://127.0.0.1:${port}`),
}, handlers[Deno.args[0]]);
