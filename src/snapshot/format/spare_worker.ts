/**
 * A worker that is kept for a while after its work.
 *
 * Making one stops the main thread until its isolate is there: 17 to 25 ms on
 * two busy cores, for which gets and sets wait. Backups and snapshots that
 * follow each other pay that once.
 *
 * @module
 */

/** How long a worker is kept that nobody takes: it occupies some 10 MB. */
export const SPARE_KEPT_MS = 20_000;

/** Gives out workers that run one module, and keeps at most one. */
export class SpareWorker {
  #spare: Worker | undefined;
  #expiry: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param url The module. Whoever takes a worker begins with a message upon
   * which the module forgets its earlier work.
   * @param kept_ms How long one is kept.
   */
  constructor(
    private readonly url: URL,
    private readonly kept_ms = SPARE_KEPT_MS,
  ) {}

  /** @returns A worker without work. */
  take(): Worker {
    const spare = this.#spare;
    this.#forget();
    return spare ?? new Worker(this.url, { type: "module" });
  }

  /** @param worker It has ended its work, and no message is on its way. */
  giveBack(worker: Worker): void {
    worker.onmessage = null;
    if (this.#spare !== undefined) return worker.terminate();
    this.#spare = worker;
    worker.onerror = (event) => {
      event.preventDefault();
      this.#forget();
    };
    this.#expiry = setTimeout(() => {
      this.#forget();
      worker.terminate();
    }, this.kept_ms);
    Deno.unrefTimer(this.#expiry);
  }

  #forget(): void {
    clearTimeout(this.#expiry);
    this.#spare = undefined;
  }
}
