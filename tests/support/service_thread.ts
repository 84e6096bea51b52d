/**
 * The worker's entry: a service whose main thread is this worker's, so that a
 * test can keep it busy.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { readConfig } from "../../src/config/config.ts";
import { SYSTEM } from "../../src/config/system.ts";
import { startLogThread } from "../../src/log/thread/log_thread.ts";
import { type Service, startService } from "../../src/service.ts";

/** What the test says. */
export type ToServiceThread =
  /** The first message: starts the service; answered by its URLs. */
  | { readonly type: "start"; readonly env: Readonly<Record<string, string>> }
  /** Does nothing else until the number is 1; answered before. */
  | { readonly type: "block"; readonly until: Int32Array }
  /** Stops the service; answered afterwards. */
  | { readonly type: "stop" };

let service: Service;

async function answer(message: ToServiceThread): Promise<unknown> {
  switch (message.type) {
    case "start": {
      const config = await readConfig(message.env, SYSTEM);
      service = startService(config, "test", startLogThread("jetstream"), {
        lost: 0,
        flush: () => Promise.resolve(),
      });
      return service.urls;
    }
    case "block":
      // After the answer has left.
      setTimeout(() => Atomics.wait(message.until, 0, 0), 10);
      return undefined;
    case "stop":
      return await service.stop("the test is over");
  }
}

self.onmessage = async ({ data }: MessageEvent<ToServiceThread>) =>
  self.postMessage(await answer(data));
