/**
 * The get listener.
 *
 * @module
 */
import { EDIT_PATH, editLink, type SetListener } from "../page/edit_link.ts";
import { page } from "../page/page.ts";
import type { ClusterSource } from "../ports/cluster.ts";
import type { Identity } from "../ports/identity.ts";
import type { HistorySource, MetricsText } from "../ports/measurements.ts";
import type { SnapshotView } from "../ports/snapshots.ts";
import type { Readiness, ReplicaStatus } from "../ports/status.ts";
import type { Availability } from "../server/availability.ts";
import { notFound, type OtherListener } from "../server/other_listener.ts";
import { probes } from "../server/probes.ts";
import type { RequestCounts } from "../server/request_counts.ts";
import { type Handler, type RoutedApp, router } from "../server/router.ts";
import { cluster } from "./cluster.ts";
import { history } from "./history.ts";
import { metrics } from "./metrics.ts";
import { status } from "./status.ts";

/** What the get listener answers with. */
export interface GetAppOptions {
  readonly identity: Identity;
  readonly replica: Readiness & ReplicaStatus;
  /** The routes that show records. */
  readonly records: Record<string, Handler>;
  readonly setListener: SetListener & OtherListener;
  /** The routes that document the interface. */
  readonly documents: Record<string, Handler>;
  readonly cluster: ClusterSource;
  /** What is kept of its log. */
  readonly snapshots: SnapshotView;
  readonly history: HistorySource;
  readonly availability: Availability;
  /** Counts the answers. */
  readonly requests: RequestCounts;
  /** Makes the answer of `/metrics`. */
  metrics(): Promise<MetricsText>;
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
      ...options.documents,
      ...probes(replica, () => replica.readable, () => availability.getRefusal),
      [EDIT_PATH]: editLink(options.setListener),
      ...page(),
    },
    notFound(options.setListener),
    options.requests,
  );
}
