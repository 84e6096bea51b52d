/**
 * The set listener.
 *
 * @module
 */
import { editPage } from "../page/page.ts";
import type { SetTarget } from "../ports/changes.ts";
import type { BackupSource, SnapshotMaker } from "../ports/snapshots.ts";
import type { Readiness } from "../ports/status.ts";
import type { Availability } from "../server/availability.ts";
import { basicAuth, type Credentials } from "../server/basic_auth.ts";
import type { BodyReader } from "../server/body.ts";
import { acceptEncodings } from "../server/content_encoding.ts";
import { refuseCrossOrigin } from "../server/cross_origin.ts";
import {
  notFound,
  type OtherListener,
  servedBy,
} from "../server/other_listener.ts";
import { probes } from "../server/probes.ts";
import type { RequestCounts } from "../server/request_counts.ts";
import {
  type Handler,
  methods,
  type RoutedApp,
  router,
} from "../server/router.ts";
import type { Unauthorized } from "../server/unauthorized.ts";
import { backup, type BackupCounts } from "./backup.ts";
import { deleteUsers } from "./delete.ts";
import { type ImportCounts, importFile } from "./import.ts";
import { withProgress } from "./import_progress.ts";
import { set } from "./set.ts";
import { snapshot } from "./snapshot.ts";

/** What the set listener answers with. */
export interface SetAppOptions {
  readonly replica: SetTarget & BackupSource & Readiness;
  /** Makes snapshots of it. */
  readonly snapshots: SnapshotMaker;
  /** The routes that show records. */
  readonly records: Record<string, Handler>;
  /** The routes that document the interface. */
  readonly documents: Record<string, Handler>;
  /** Reads the bodies of sets and deletions. */
  readonly bodies: BodyReader;
  /** Who may use the listener. */
  readonly credentials: Credentials;
  /** Whether sets, deletions and imports are served. */
  readonly availability: Availability;
  /** May have been meant. */
  readonly getListener: OtherListener;
  /** Counts the answers. */
  readonly requests: RequestCounts;
  /** Counts the requests without the right credentials. */
  readonly unauthorized: Unauthorized;
  /** Counts the backups. */
  readonly backups: BackupCounts;
  /** Counts the imports. */
  readonly imports: ImportCounts;
}

/** @returns A function for `Deno.serve`. */
export function setApp(
  {
    replica,
    snapshots,
    records,
    documents,
    bodies,
    credentials,
    availability,
    getListener,
    requests,
    unauthorized,
    backups,
    imports,
  }: SetAppOptions,
): RoutedApp {
  const guarded = (
    handler: Handler,
    hint?: (url: string) => string | undefined,
  ) => refuseCrossOrigin(basicAuth(credentials, handler, unauthorized, hint));
  /** Those who ask without a password may have meant the get listener. */
  const guardedRead = (handler: Handler) =>
    guarded(handler, (url) => servedBy(url, getListener));
  const guardedAll = (
    handlers: Record<string, Handler>,
    guard: (handler: Handler) => Handler,
  ) =>
    Object.fromEntries(
      Object.entries(handlers).map(([path, one]) => [path, guard(one)]),
    );
  const post = (handler: Handler) => guarded(methods({ POST: handler }));
  return router(
    {
      "/set": post(
        availability.writing(acceptEncodings([], set(replica, bodies))),
      ),
      "/delete": post(
        availability.writing(acceptEncodings([], deleteUsers(replica, bodies))),
      ),
      "/backup": guarded(backup(replica, backups)),
      "/import": post(acceptEncodings(
        ["gzip", "x-gzip"],
        withProgress(availability.writing(importFile(replica, imports))),
      )),
      // It changes no grade, so READ_ONLY lets it through.
      "/snapshot": post(snapshot(replica, snapshots, bodies)),
      ...guardedAll({ ...records, ...documents }, guardedRead),
      ...guardedAll(editPage(), (handler) => guarded(handler)),
      ...probes(replica, () => replica.writable, () => availability.setRefusal),
    },
    guardedRead(notFound(getListener)),
    requests,
  );
}
