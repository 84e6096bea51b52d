/**
 * A service that is served to a browser without a process of its own.
 *
 * @module
 */
import type { App } from "../../src/http/server/router.ts";
import { LocalService, type LocalServiceOptions } from "./local_service.ts";

/** Both listeners on ports of their own. */
export class ServedService extends LocalService implements AsyncDisposable {
  /** Answers gets in the place of the app, as a failure would; undefined: none. */
  failure: ((path: string) => Response | undefined) | undefined;
  /** Answers gets in the place of this one, as after its log went back. */
  successor: LocalService | undefined;
  readonly #get = serve((request) =>
    this.failure?.(new URL(request.url).pathname) ??
      (this.successor ?? this).apps.get(request)
  );
  readonly #set = serve(this.apps.set);
  /** The base URLs of the listeners. */
  readonly url = `http://127.0.0.1:${this.#get.addr.port}`;
  readonly setUrl = `http://127.0.0.1:${this.#set.addr.port}`;

  constructor(options: LocalServiceOptions = {}) {
    super(options);
    this.apps.setPort = this.#set.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.apps.watchers.endAll("draining");
    this.successor?.apps.watchers.endAll("draining");
    await Promise.all([this.#get.shutdown(), this.#set.shutdown()]);
  }
}

function serve(app: App): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    app,
  );
}
