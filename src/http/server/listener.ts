/**
 * Listeners that too many connections cannot stop.
 *
 * `Deno.serve` limits neither the number of connections nor how long one may be
 * idle or take to send its head. Its first failed accept, when no file
 * descriptor is left, ends it for good. So the port is then bound again, and
 * also before that, when there are more descriptors than
 * {@linkcode DESCRIPTORS_MAX}. The graceful shutdown of the old server closes
 * its connections: those that are idle or in the middle of a head at once, those
 * with a request after the answer.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { closeServer } from "./closing.ts";
import { answerBrokeOff } from "./linger.ts";
import type { App } from "./router.ts";

const logger = getLogger(["usergrade", "http"]);

/** How many files and sockets may be open: at 10 kB each some 80 MB of memory. */
const DESCRIPTORS_MAX = 8_192;

/** The shortest time from one closing of idle connections to the next. */
const SHED_INTERVAL_MS = 1_000;

/** How long to wait before a port is bound again, from and up to. */
const BIND_RETRY_MIN_MS = 5;
const BIND_RETRY_MAX_MS = 500;

/** How long answers close their connections before the listeners close. */
const CLOSING_ANSWERS_MS = 250;

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
class Listener {
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

/** All listeners of a process: they share its descriptors. */
export class Listeners {
  readonly #listeners: Listener[] = [];
  #nextShed = 0;
  #timesShed = 0;

  /**
   * @param now The time in milliseconds.
   * @param openFilesMax With more open files and sockets than this, idle
   * connections are closed.
   */
  constructor(
    private readonly now: () => number,
    readonly openFilesMax = DESCRIPTORS_MAX,
  ) {}

  /** How many files and sockets are open at least; the most if no more can be. */
  get openFiles(): number {
    return Math.min(descriptorsInUse(), this.openFilesMax);
  }

  /** How often idle connections were closed. */
  get timesShed(): number {
    return this.#timesShed;
  }

  /**
   * Adds a listener.
   *
   * @throws {Error} If the port can't be bound.
   */
  listen(options: ListenerOptions, app: App): void {
    this.#listeners.push(
      new Listener(options, app, (error) => this.#shed(error.message)),
    );
  }

  /** Checks how many descriptors are in use. Call it a few times a second. */
  tick(): void {
    if (this.now() < this.#nextShed) return;
    const used = descriptorsInUse();
    if (used > this.openFilesMax) {
      this.#shed(`${used} files and sockets are open`);
    }
  }

  #shed(reason: string): void {
    // The last time did not help: back off.
    const wait_ms = this.now() < this.#nextShed
      ? BIND_RETRY_MAX_MS
      : BIND_RETRY_MIN_MS;
    this.#nextShed = this.now() + SHED_INTERVAL_MS;
    this.#timesShed++;
    logger.warn("Idle connections are closed: {reason}", { reason });
    for (const listener of this.#listeners) listener.shed(wait_ms);
  }

  /**
   * Accepts no more; resolves when all requests are answered.
   *
   * Closing an idle connection resets a request that is on its way. So for a
   * while every answer asks its client to close the connection. The connections
   * that are closed after that have been idle for as long.
   */
  async shutdown(): Promise<void> {
    for (const listener of this.#listeners) listener.closeAfterAnswers();
    await sleep(CLOSING_ANSWERS_MS);
    this.#nextShed = Infinity;
    await Promise.all(this.#listeners.map((one) => one.shutdown()));
  }
}

/** The answer, after which its connection is closed. */
function closing(response: Response): Response {
  response.headers.set("connection", "close");
  return response;
}

/**
 * How many descriptors the process has at least. The system gives out the
 * lowest free one first, so opening one tells, in 7 µs.
 */
function descriptorsInUse(): number {
  try {
    const descriptor = openSync(devNull, "r");
    closeSync(descriptor);
    return descriptor;
  } catch (error) {
    // No descriptor is left. Any other error says nothing about their number.
    return /^E[MN]FILE$/.test(String((error as { code?: string }).code))
      ? Infinity
      : 0;
  }
}
