/**
 * An attack that goes on beside the test.
 *
 * @module
 */
import type { ServiceProcess } from "../support/service_process.ts";

/** An attack from a thread of its own; its end closes its connections. */
export class Attack implements Disposable {
  readonly #worker = new Worker(
    new URL("./attack_worker.ts", import.meta.url),
    { type: "module" },
  );

  /** Starts it. */
  constructor(name: string, service: ServiceProcess) {
    this.#worker.postMessage({
      name,
      targets: { set: service.url("set"), get: service.url("get") },
    });
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
