/**
 * A server that answers as a test says, for answers that a service gives rarely.
 *
 * @module
 */

/** Answers one request; `cut` breaks the connection off without an answer. */
export type Answering = (
  request: Request,
) => Response | "cut" | Promise<Response | "cut">;

/** Answers each request by the next of its answers, and the rest by the last. */
export class ScriptedServer implements AsyncDisposable {
  readonly url: string;
  /** What was asked, as `METHOD path?query`. */
  readonly requests: string[] = [];
  readonly #stop = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(...answers: Answering[]) {
    this.#server = Deno.serve(
      {
        hostname: "127.0.0.1",
        port: 0,
        signal: this.#stop.signal,
        onListen: () => {},
      },
      async (request) => {
        const { pathname, search } = new URL(request.url);
        const number = this.requests.push(
          `${request.method} ${pathname}${search}`,
        );
        const answer = await answers[Math.min(number, answers.length) - 1](
          request,
        );
        if (answer !== "cut") return answer;
        const broken = new ReadableStream({
          start: (stream) => stream.error(new Error("cut")),
        });
        return new Response(broken);
      },
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#server.finished;
  }
}

/** @returns A problem document, as the service makes them. */
export function problemAnswer(
  status: number,
  detail: string,
  headers: Record<string, string> = {},
): Response {
  return Response.json({ status, detail }, {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}
