/**
 * The spans of requests that the runtime sends to a collector of telemetry, with
 * `OTEL_DENO=true`: named by their route, and without what may be a user's id.
 *
 * @module
 */
import type { AttributeValue, Span, TraceAPI } from "@opentelemetry/api";
import type { App, RoutedApp } from "../http/server/router.ts";

/**
 * Where the runtime puts itself for the library, if it collects telemetry:
 * https://docs.deno.com/runtime/fundamentals/open_telemetry/
 */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");

/** @returns The spans of this process; undefined if it collects none. */
export async function loadTraces(): Promise<Traces | undefined> {
  if (!(REGISTERED in globalThis)) return undefined;
  const { trace } = await import("@opentelemetry/api");
  return new Traces(trace);
}

/** The spans of this process. */
export class Traces {
  constructor(private readonly api: TraceAPI) {}

  /**
   * Lets no span have a query, or a path that is no route: both may have user
   * ids. The runtime gives each span the whole URL before a handler runs, and a
   * span never loses an attribute, so they are kept out where they are set.
   *
   * @param routeOf Finds the route of a URL.
   */
  hideUsers(routeOf: (url: string) => string | undefined): void {
    // It is never ended, and so never sent.
    const span = this.api.getTracer("usergrade").startSpan("unused");
    const prototype: Span = Object.getPrototypeOf(span);
    const { setAttribute } = prototype;
    prototype.setAttribute = function (key: string, value: AttributeValue) {
      const shown = URL_ATTRIBUTES.has(key)
        ? withoutUsers(key, String(value), routeOf)
        : value;
      return shown === undefined ? this : setAttribute.call(this, key, shown);
    };
  }

  /** @returns The same app, which names the span of each request by its route. */
  named(app: RoutedApp): App {
    return (request) => {
      const route = app.routeOf(request.url);
      const span = this.api.getActiveSpan();
      if (span !== undefined && route !== undefined) {
        span.updateName(`${request.method} ${route}`);
        span.setAttribute("http.route", route);
      }
      return app(request);
    };
  }
}

/** The attributes that may have a user's id. */
const URL_ATTRIBUTES = new Set(["url.full", "url.path", "url.query"]);

/**
 * @param key One of {@linkcode URL_ATTRIBUTES}.
 * @param value Its value.
 * @returns What may be shown of it; undefined for nothing.
 */
function withoutUsers(
  key: string,
  value: string,
  routeOf: (url: string) => string | undefined,
): string | undefined {
  if (key === "url.query") return undefined;
  if (key === "url.path") return routeOf(`http://x${value}`);
  const origin = URL.parse(value)?.origin;
  return origin && origin + (routeOf(value) ?? "");
}
