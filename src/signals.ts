/**
 * Signals: those that stop the service, and one that must not do what the
 * runtime does with it.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";

const logger = getLogger(["usergrade"]);

/** A terminal that is closed sends SIGHUP. */
const STOP_SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/**
 * When the debugger is closed after a SIGUSR1. The runtime opens it in a task
 * of its own, at a time that is not told: so more than once.
 */
const CLOSE_DEBUGGER_AFTER_MS = [0, 100, 1_000];

/** Listens for the signals that stop the service. */
export class StopSignal {
  #isReceived = false;
  readonly #received = Promise.withResolvers<string>();
  readonly #listeners = STOP_SIGNALS.map((name) => {
    const listener = () => {
      this.#isReceived = true;
      this.#received.resolve(name);
    };
    Deno.addSignalListener(name, listener);
    return { name, listener };
  });

  /** Whether one has come. */
  get isReceived(): boolean {
    return this.#isReceived;
  }

  /**
   * Resolves to the name of the first one. More may follow: a task runner
   * passes on what the process group has got already.
   */
  get received(): Promise<string> {
    return this.#received.promise;
  }

  /**
   * Ends the process by SIGTERM. To be used under `deno run --watch`, where an
   * exit ends the run alone, and the watcher waits for a file to change.
   */
  async endWatcher(): Promise<void> {
    for (const { name, listener } of this.#listeners) {
      Deno.removeSignalListener(name, listener);
    }
    const { default: process } = await import("node:process");
    process.kill(process.pid, "SIGTERM");
  }
}

/**
 * Closes the debugger again that the runtime opens at SIGUSR1, which any user
 * of the machine could connect to. No option turns that off.
 */
export function keepDebuggerClosed(): void {
  if (Deno.build.os === "windows") return;
  Deno.addSignalListener("SIGUSR1", async () => {
    const inspector = await import("node:inspector");
    logger.warn(
      "SIGUSR1 opened the runtime's debugger, which is closed again: the service has no use for this signal",
    );
    for (const delay_ms of CLOSE_DEBUGGER_AFTER_MS) {
      setTimeout(() => inspector.close(), delay_ms);
    }
  });
}
