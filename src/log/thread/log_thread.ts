/**
 * The log's thread. It can be started before all else, so that it loads while
 * the main thread does.
 *
 * @module
 */
import type { Engine, PreloadMessage } from "./messages.ts";

/**
 * Starts the thread of a log, which says nothing before it is called.
 *
 * @param engine The engine that it is going to run, if that is known already.
 */
export function startLogThread(engine?: Engine): Worker {
  const worker = new Worker(new URL("./log_worker.ts", import.meta.url), {
    type: "module",
  });
  if (engine !== undefined) {
    worker.postMessage({ type: "preload", engine } satisfies PreloadMessage);
  }
  return worker;
}
