/**
 * One port, which can be bound again: the graceful shutdown of the old server
 * closes its connections, those that are idle or in the middle of a head at
 * once, those with a request after the answer.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { closeServer } from "./closing.ts";
import { answerBrokeOff } from "./linger.ts";
import type { App } from "./router.ts";

const logger = getLogger(["usergrade", "http"]);

/** The longest wait before a port is bound again. */
export const BIND_RETRY_MAX_MS = 500;

/** Where and how to listen. */
export interface ListenerOptions {
  readonly hostname: string;
  readonly port: number;
  /** Certificate and key in PEM; plain HTTP without. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** Called once, with the address. */
  onListen(address: Deno.NetAddr): void;
}

/** One port, bound until it is shut down. */
export class Listener {
  /** Undefined while the port is not bound. */
  #server: Deno.HttpServer<Deno.NetAddr> | undefined;
  /** Servers that accept no more and still have requests to answer. */
  readonly #leaving = new Set<Deno.HttpServer>();
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** The port that is bound; before that the one asked for, which may be 0. */
  #port: number;
  #answer: App;

  /**
   * @param onFailure Called when the listener can accept no more.
   * @throws {Error} If the port can't be bound.
   */
  constructor(
    private readonly options: ListenerOptions,
    app: App,
    private readonly onFailure: (error: Error) => void,
  ) {
    this.#port = options.port;
    this.#answer = app;
    this.#bind();
    this.#port = this.#server!.addr.port;
    options.onListen(this.#server!.addr);
  }

  #bind(): void {
    const { hostname, tls } = this.options;
    const server = Deno.serve({
      hostname,
      port: this.#port,
      ...tls,
      onListen: () => {},
      onError: answerBrokeOff,
    }, (request) => this.#answer(request));
    this.#server = server;
    server.finished.catch((error) => {
      if (this.#server === server) this.onFailure(error);
    });
  }

  /** Closes idle connections, and binds the port again after a wait. */
  shed(wait_ms: number): void {
    // A port that is being bound again already has no idle connections.
    if (this.#server === undefined) return;
    this.#leave();
    this.#bindAgain(wait_ms);
  }

  #bindAgain(wait_ms: number): void {
    this.#retry = setTimeout(() => {
      try {
        this.#bind();
      } catch (error) {
        logger.warn("Cannot listen on port {port} yet: {reason}", {
          port: this.#port,
          reason: (error as Error).message,
        });
        this.#bindAgain(Math.min(2 * wait_ms, BIND_RETRY_MAX_MS));
      }
    }, wait_ms);
  }

  #leave(): void {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    this.#leaving.add(server);
    closeServer(server).then(() => this.#leaving.delete(server));
  }

  /** Closes each connection after its next answer. */
  closeAfterAnswers(): void {
    const answer = this.#answer;
    this.#answer = async (request) => closing(await answer(request));
  }

  /** Accepts no more; resolves when all requests are answered. */
  async shutdown(): Promise<void> {
    clearTimeout(this.#retry);
    this.#leave();
    await Promise.all(
      [...this.#leaving].map((one) => one.finished.catch(() => {})),
    );
  }
}

/** The answer, after which its connection is closed. */
function closing(response: Response): Response {
  response.headers.set("connection", "close");
  return response;
}
