/**
 * Listeners that too many connections cannot stop.
 *
 * `Deno.serve` limits neither the number of connections nor how long one may be
 * idle or take to send its head. Its first failed accept, when no file
 * descriptor is left, ends it for good. So the port is then bound again, and
 * also before that, when there are more descriptors than
 * {@linkcode DESCRIPTORS_MAX}.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { devNull } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import {
  BIND_RETRY_MAX_MS,
  Listener,
  type ListenerOptions,
} from "./listener.ts";
import { lazy } from "../../lazy.ts";
import type { App } from "./router.ts";

const logger = getLogger(["usergrade", "http"]);

/** How many files and sockets may be open: at 10 kB each some 80 MB of memory. */
const DESCRIPTORS_MAX = 8_192;

/** The shortest time from one closing of idle connections to the next. */
const SHED_INTERVAL_MS = 1_000;

/** The shortest wait before a port is bound again. */
const BIND_RETRY_MIN_MS = 5;

/** How long answers close their connections before the listeners close. */
const CLOSING_ANSWERS_MS = 250;

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

/**
 * The runtime's own files do not tell their descriptors. Loaded by the first
 * look, so that no start waits 30 ms for it.
 */
let files: typeof import("node:fs") | undefined;
const loadFiles = lazy(async () => files = await import("node:fs"));

/**
 * How many descriptors the process has at least; 0 until that is known. The
 * system gives out the lowest free one first, so opening one tells, in 7 µs.
 */
function descriptorsInUse(): number {
  if (files === undefined) {
    loadFiles();
    return 0;
  }
  try {
    const descriptor = files.openSync(devNull, "r");
    files.closeSync(descriptor);
    return descriptor;
  } catch (error) {
    // No descriptor is left. Any other error says nothing about their number.
    return /^E[MN]FILE$/.test(String((error as { code?: string }).code))
      ? Infinity
      : 0;
  }
}
