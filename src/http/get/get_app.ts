/**
 * The get listener.
 *
 * @module
 */
import { EDIT_PATH, editLink, type SetListener } from "../page/edit_link.ts";
import { page } from "../page/page.ts";
import type {
  ClusterSource,
  HistorySource,
  Identity,
  MetricsText,
  Readiness,
  ReplicaStatus,
  SnapshotView,
} from "../ports.ts";
import type { Availability } from "../server/availability.ts";
import { notFound, type OtherListener } from "../server/other_listener.ts";
import { probes } from "../server/probes.ts";
import type { RequestCounts } from "../server/request_counts.ts";
import { type Handler, type RoutedApp, router } from "../server/router.ts";
import { cluster } from "./cluster.ts";
import { history } from "./history.ts";
import { metrics } from "./metrics.ts";
import { openApi } from "./openapi.ts";
import { status } from "./status.ts";

/** What the get listener answers with. */
export interface GetAppOptions {
  readonly identity: Identity;
  readonly replica: Readiness & ReplicaStatus;
  /** The routes that show records. */
  readonly records: Record<string, Handler>;
  readonly setListener: SetListener & OtherListener;
  readonly cluster: ClusterSource;
  /** What is kept of its log. */
  readonly snapshots: SnapshotView;
  readonly history: HistorySource;
  readonly availability: Availability;
  /** Counts the answers. */
  readonly requests: RequestCounts;
  /** Makes the answer of `/metrics`. */
  metrics(): Promise<MetricsText>;
  /** Makes the answer of `/openapi.json`. */
  openApi(): Promise<string>;
  /** The time in milliseconds, by the clock of `identity`. */
  now(): number;
}

/** @returns A function for `Deno.serve`. */
export function getApp(options: GetAppOptions): RoutedApp {
  const { identity, replica, snapshots, availability, records, now } = options;
  return router(
    {
      ...records,
      "/status": status(
        identity,
        replica,
        options.cluster,
        snapshots,
        availability,
        now,
      ),
      "/cluster": cluster(identity, options.cluster, now),
      "/history": history(options.history, now),
      "/metrics": metrics(() => options.metrics()),
      "/openapi.json": openApi(() => options.openApi()),
      ...probes(replica, () => replica.readable, () => availability.getRefusal),
      [EDIT_PATH]: editLink(options.setListener),
      ...page(),
    },
    notFound(options.setListener),
    options.requests,
  );
}
