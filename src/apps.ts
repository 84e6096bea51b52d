/**
 * The apps of both listeners, joined to the parts that they need, and what
 * counts their answers.
 *
 * @module
 */
import type { Cluster } from "./cluster/cluster.ts";
import type { Config } from "./config/config.ts";
import { Histogram, MICROSECOND_BOUNDS } from "./histogram.ts";
import { documentRoutes } from "./http/docs/document_routes.ts";
import type { ListenerPlaces } from "./http/docs/listener_urls.ts";
import { URL_MARKS } from "./http/docs/openapi.ts";
import { getApp } from "./http/get/get_app.ts";
import { recordRoutes } from "./http/get/record_routes.ts";
import { users } from "./http/get/users.ts";
import { Watchers } from "./http/get/watchers.ts";
import type { Identity } from "./http/ports/identity.ts";
import type { SnapshotMaker, SnapshotView } from "./http/ports/snapshots.ts";
import type { HealingView } from "./http/ports/status.ts";
import { Availability } from "./http/server/availability.ts";
import { BodyReader } from "./http/server/body.ts";
import { RequestCounts } from "./http/server/request_counts.ts";
import type { Handler, RoutedApp } from "./http/server/router.ts";
import { Unauthorized } from "./http/server/unauthorized.ts";
import { BackupCounts } from "./http/set/backup.ts";
import { ImportCounts } from "./http/set/import.ts";
import { setApp } from "./http/set/set_app.ts";
import { lazy } from "./lazy.ts";
import { ChangeRing } from "./replica/change_ring.ts";
import type { Replica } from "./replica/replica.ts";
import { countErrors } from "./telemetry/error_counts.ts";
import { type Counters, History } from "./telemetry/history.ts";
import type { MetricRegistry } from "./telemetry/metric_registry.ts";
import type { MetricSources } from "./telemetry/metrics.ts";

/** What the apps are made of. */
export interface AppsOptions extends
  Pick<
    Config,
    | "tls"
    | "setPort"
    | "getPort"
    | "credentials"
    | "bodyBytesMax"
    | "commitTimeout_ms"
    | "isReadOnly"
  > {
  readonly identity: Identity;
  readonly replica: Replica;
  readonly cluster: Cluster;
  /** What is kept, and how to make one now. */
  readonly snapshots: SnapshotView & SnapshotMaker;
  readonly healing: HealingView;
  readonly logFilesBytes: MetricSources["logFilesBytes"];
  readonly loopLag: MetricSources["loopLag"];
  readonly listeners: MetricSources["listeners"];
  readonly logLines: MetricSources["logLines"];
  /** The time in milliseconds, by a clock that never goes back. */
  now(): number;
}

/** Both apps, and what goes on in them. */
export class Apps {
  /** Answers the requests of the set listener. */
  readonly set: RoutedApp;
  /** Answers the requests of the get listener. */
  readonly get: RoutedApp;
  readonly availability: Availability;
  /**
   * Read the bodies of each listener. Strangers may fill that of gets, and sets
   * go on.
   */
  readonly bodies: Readonly<Record<"set" | "get", BodyReader>>;
  readonly watchers: Watchers;
  /** The ports of the listeners, for documents, the page and lost clients. */
  setPort: number;
  getPort: number;
  /** The answers of each listener. */
  readonly requests = { set: new RequestCounts(), get: new RequestCounts() };
  readonly #unauthorized: Unauthorized;
  readonly #history: History;
  readonly #getSeconds = new Histogram(MICROSECOND_BOUNDS);
  readonly #backups = new BackupCounts();
  readonly #imports = new ImportCounts();
  readonly #openApi = lazy(() => this.#describe());
  readonly #metrics = lazy(() => this.#measure());

  constructor(private readonly options: AppsOptions) {
    const { replica, now } = options;
    this.setPort = options.setPort;
    this.getPort = options.getPort;
    this.availability = new Availability(options.isReadOnly);
    this.bodies = {
      set: new BodyReader(options.bodyBytesMax, now),
      get: new BodyReader(options.bodyBytesMax, now),
    };
    const changes = new ChangeRing();
    replica.follow(changes);
    this.watchers = new Watchers(
      replica,
      changes,
      { now, later },
      options.commitTimeout_ms,
    );
    this.#history = new History(this.#counters(), now());
    this.#unauthorized = new Unauthorized(now());
    this.set = this.#setApp();
    this.get = this.#getApp();
  }

  #setApp(): RoutedApp {
    const { options } = this;
    return setApp({
      ...options,
      records: {
        ...this.#records("set"),
        "/users": users(options.replica, options.now),
      },
      documents: this.#documents("set"),
      bodies: this.bodies.set,
      availability: this.availability,
      getListener: {
        name: "get",
        port: () => this.getPort,
        routeOf: (url) => this.get.routeOf(url),
      },
      requests: this.requests.set,
      unauthorized: this.#unauthorized,
      backups: this.#backups,
      imports: this.#imports,
    });
  }

  #getApp(): RoutedApp {
    const { options } = this;
    return getApp({
      ...options,
      records: this.#records("get"),
      documents: this.#documents("get"),
      setListener: {
        name: "set",
        isTls: options.tls !== undefined,
        port: () => this.setPort,
        routeOf: (url) => this.set.routeOf(url),
      },
      availability: this.availability,
      requests: this.requests.get,
      history: this.#history,
      metrics: async () => {
        const registry = await this.#metrics();
        const { contentType } = registry;
        return { contentType, text: await registry.text() };
      },
    });
  }

  #records(listener: "set" | "get"): Record<string, Handler> {
    return recordRoutes({
      replica: this.options.replica,
      watchers: this.watchers,
      bodies: this.bodies[listener],
      getSeconds: this.#getSeconds,
    });
  }

  #documents(listener: "set" | "get"): Record<string, Handler> {
    const places: ListenerPlaces = {
      isTls: this.options.tls !== undefined,
      port: (listener) => listener === "set" ? this.setPort : this.getPort,
    };
    return documentRoutes(listener, places, this.#openApi);
  }

  /** Loaded for the first scrape: a start need not wait 50 ms for it. */
  async #measure(): Promise<MetricRegistry> {
    const { createMetrics } = await import("./telemetry/metrics.ts");
    return await createMetrics({
      ...this.options,
      requests: this.requests,
      unauthorized: this.#unauthorized,
      getSeconds: this.#getSeconds,
      backups: this.#backups,
      imports: this.#imports,
      watchers: this.watchers,
    });
  }

  /** How many bodies are on their way. */
  get bodiesPending(): number {
    return this.bodies.set.pending + this.bodies.get.pending;
  }

  #counters(): Counters {
    const { counts } = this.options.replica.sets;
    return {
      gets: this.requests.get.route("/get").answers,
      sets: counts.committed,
      setSeconds: counts.setSeconds.snapshot(),
      refused: { ...counts.rejected },
      errors: countErrors(Object.values(this.requests)),
      rss_bytes: Deno.memoryUsage().rss,
    };
  }

  /** Made when it is first asked for, since that takes 15 ms. */
  async #describe(): Promise<string> {
    const { version } = this.options.identity;
    const { openApiDocument } = await import("./http/openapi_document.ts");
    return openApiDocument({ version, urls: URL_MARKS });
  }

  /**
   * Takes samples, says when many are refused, and ends bodies and watches that
   * took too long. To be called a few times a second.
   */
  tick(): void {
    const now_ms = this.options.now();
    this.#history.tick(() => this.#counters(), now_ms);
    this.#unauthorized.tick(now_ms);
    this.bodies.set.tick();
    this.bodies.get.tick();
    this.watchers.tick();
  }
}

/** Calls back after some milliseconds; with 0 as soon as I/O had its turn. */
function later(callback: () => void, ms: number): void {
  if (ms > 0) setTimeout(callback, ms);
  else setImmediate(callback);
}
