/**
 * The get listener.
 *
 * @module
 */
import type { Histogram } from "../../histogram.ts";
import { page } from "../page/page.ts";
import type {
  ClusterSource,
  HistorySource,
  Identity,
  MetricsText,
  Readiness,
  RecordSource,
  ReplicaStatus,
  SnapshotView,
  WatchSource,
} from "../ports.ts";
import type { Availability } from "../server/availability.ts";
import type { BodyReader } from "../server/body.ts";
import { acceptEncodings } from "../server/content_encoding.ts";
import { probes } from "../server/probes.ts";
import type { RequestCounts } from "../server/request_counts.ts";
import { type App, methods, notFound, router } from "../server/router.ts";
import { cluster } from "./cluster.ts";
import { get } from "./get.ts";
import { getMany } from "./get_many.ts";
import { history } from "./history.ts";
import { metrics } from "./metrics.ts";
import { openApi } from "./openapi.ts";
import { status } from "./status.ts";
import { watch } from "./watch.ts";
import type { Watchers } from "./watchers.ts";

/** What the get listener answers with. */
export interface GetAppOptions {
  readonly identity: Identity;
  readonly replica: RecordSource & Readiness & ReplicaStatus & WatchSource;
  readonly watchers: Watchers;
  readonly cluster: ClusterSource;
  /** What is kept of its log. */
  readonly snapshots: SnapshotView;
  readonly history: HistorySource;
  /** Reads the bodies of gets. */
  readonly bodies: BodyReader;
  readonly availability: Availability;
  /** Counts the answers. */
  readonly requests: RequestCounts;
  /** Seconds that gets took here; one in some is timed. */
  readonly getSeconds: Histogram;
  /** Makes the answer of `/metrics`. */
  metrics(): Promise<MetricsText>;
  /** Makes the answer of `/openapi.json`. */
  openApi(): Promise<string>;
  /** The time in milliseconds, by the clock of `identity`. */
  now(): number;
}

/** @returns A function for `Deno.serve`. */
export function getApp(options: GetAppOptions): App {
  const { identity, replica, snapshots, availability, now } = options;
  const getOne = get(replica, options.getSeconds);
  return router(
    {
      "/get": methods({
        GET: getOne,
        HEAD: getOne,
        POST: acceptEncodings([], getMany(replica, options.bodies)),
      }),
      "/watch": watch(replica, options.watchers),
      "/status": status(identity, replica, options.cluster, snapshots, now),
      "/cluster": cluster(identity, options.cluster, now),
      "/history": history(options.history, now),
      "/metrics": metrics(() => options.metrics()),
      "/openapi.json": openApi(() => options.openApi()),
      ...probes(replica, () => replica.readable, () => availability.getRefusal),
      ...page(),
    },
    notFound,
    options.requests,
  );
}
