/**
 * The least that `Deno.serve` can do, to compare with. It prints its URL.
 *
 * `ok` answers "ok" to everything; `echo` parses the body as JSON and answers
 * with it as JSON. No handler of a service can do so little: `get` reads the URL
 * and the method, and answers a record; `set` looks up two headers besides,
 * decodes the body as strict UTF-8, parses it, and answers a record with two
 * headers.
 *
 * @module
 */

const RECORD =
  '{"user_id":"user-42","postpaid_limit":42,"spp":43,"shipping_fee":44,"return_fee":45}';

/** The runtime's short cut for one header. */
const JSON_INIT = { headers: { "content-type": "application/json" } };

const decoder = new TextDecoder("utf-8", { fatal: true });

const NOT_FOUND = { status: 404 };

/** Whether a request has a method and, after the origin, a path. */
function isFor({ method, url }: Request, wanted: string, path: string) {
  return method === wanted && url.startsWith(path, url.indexOf("/", 7));
}

function get(request: Request): Response {
  return isFor(request, "GET", "/get?")
    ? new Response(RECORD, JSON_INIT)
    : new Response(null, NOT_FOUND);
}

async function set(request: Request): Promise<Response> {
  const { headers } = request;
  if (
    !isFor(request, "POST", "/set") || headers.get("authorization") === null ||
    headers.get("content-length") === null
  ) return new Response(null, NOT_FOUND);
  JSON.parse(decoder.decode(await request.bytes()));
  const response = new Response(RECORD, JSON_INIT);
  response.headers.append("log-sequence", "1");
  return response;
}

const handlers: Record<string, Deno.ServeHandler> = {
  ok: () => new Response("ok"),
  echo: async (request) => Response.json(await request.json()),
  get,
  set,
};

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(`http://127.0.0.1:${port}`),
}, handlers[Deno.args[0]]);
