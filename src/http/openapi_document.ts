/**
 * The service's interface as an OpenAPI 3.1 document: every route, status and
 * header. https://spec.openapis.org/oas/v3.1.0
 *
 * @module
 */
import * as z from "zod";
import { createDocument, type ZodOpenApiOperationObject } from "zod-openapi";
import { CLUSTER_PATH } from "./get/cluster_openapi.ts";
import { GET_PATH } from "./get/get_openapi.ts";
import { HISTORY_PATH } from "./get/history_openapi.ts";
import { METRICS_PATH } from "./get/metrics_openapi.ts";
import { STATUS_PATH } from "./get/status_openapi.ts";
import { USERS_PATH } from "./get/users_openapi.ts";
import { WATCH_PATH } from "./get/watch_openapi.ts";
import {
  GUARDS,
  OTHERWISE,
  type PathItem,
  type Paths,
  report,
  SECURITY,
} from "./openapi/responses.ts";
import {
  EDIT_PATHS,
  PAGE_PATHS,
  SHARED_PAGE_PATHS,
} from "./page/page_openapi.ts";
import { PROBE_PATHS } from "./server/probes_openapi.ts";
import { BACKUP_PATH } from "./set/backup_openapi.ts";
import { DELETE_PATH } from "./set/delete_openapi.ts";
import { IMPORT_PATH } from "./set/import_openapi.ts";
import { SET_PATH } from "./set/set_openapi.ts";
import { SNAPSHOT_PATH } from "./set/snapshot_openapi.ts";

/** The paths of the set listener besides its probes. */
const SET_LISTENER_PATHS: Paths = {
  "/set": SET_PATH,
  "/delete": DELETE_PATH,
  "/users": USERS_PATH,
  "/backup": BACKUP_PATH,
  "/import": IMPORT_PATH,
  "/snapshot": SNAPSHOT_PATH,
  ...EDIT_PATHS,
};

/** The paths of the get listener besides its probes. */
const GET_LISTENER_PATHS: Paths = {
  "/status": STATUS_PATH,
  "/cluster": CLUSTER_PATH,
  "/history": HISTORY_PATH,
  "/metrics": METRICS_PATH,
  "/openapi.json": report("getOpenApi", "This document", z.looseObject({})),
  ...PAGE_PATHS,
};

/** The paths of both listeners that the set listener guards. */
const SHARED_PATHS: Paths = {
  "/get": GET_PATH,
  "/watch": WATCH_PATH,
  ...SHARED_PAGE_PATHS,
};

/** What differs from one replica to the next. */
export interface OpenApiOptions {
  readonly version: string;
  /** Where its set listener is, as far as it knows. */
  readonly setListener: {
    readonly isTls: boolean;
    /** The address that it binds. */
    readonly host: string;
    readonly port: number;
  };
}

/** Addresses that mean all interfaces; no client can connect to them. */
const WILDCARDS = ["0.0.0.0", "::"];

const DESCRIPTION =
  `Two listeners. The set listener serves sets, deletions, imports, backups and snapshots and requires HTTP Basic authentication, for what both listeners serve too. The get listener is open.

Errors are problem details by RFC 9457. Another method of a path gets 405 with Allow, another path 404. The set listener checks the credentials first.

503: the change was certainly not stored; send it again after Retry-After. 504: the outcome is unknown, or, where the detail says so, the change is stored and this replica can't apply it yet.`;

/**
 * @param options Of the replica that answers.
 * @returns The document as JSON text.
 */
export function openApiDocument(
  { version, setListener: address }: OpenApiOptions,
): string {
  const getListener = {
    url: "/",
    description: "the get listener, which this document came from",
  };
  const setListener = {
    url: "{scheme}://{host}:{port}",
    description: "the set listener; through a proxy it is elsewhere",
    variables: {
      scheme: {
        default: address.isTls ? "https" : "http",
        enum: ["http", "https"] as string[],
      },
      host: { default: hostOfUrl(address.host) },
      port: { default: String(address.port) },
    },
  };
  const at = (servers: NonNullable<PathItem["servers"]>, paths: Paths) =>
    Object.entries(paths).map(([path, item]): [string, PathItem] => [
      path,
      { servers, ...whole(item) },
    ]);
  return JSON.stringify(createDocument({
    openapi: "3.1.0",
    info: { title: "UserGrade", version, description: DESCRIPTION },
    servers: [getListener],
    paths: Object.fromEntries([
      ...at([setListener], SET_LISTENER_PATHS),
      ...at([getListener], GET_LISTENER_PATHS),
      ...at([getListener, setListener], guardedAtOne(SHARED_PATHS)),
      ...at([getListener, setListener], PROBE_PATHS),
    ]),
    components: {
      securitySchemes: { basic: { type: "http", scheme: "basic" } },
    },
  }));
}

/** An address to bind as the host of a URL. */
function hostOfUrl(address: string): string {
  if (WILDCARDS.includes(address)) return "localhost";
  return address.includes(":") ? `[${address}]` : address;
}

/** Adds what the set listener asks for and the get listener doesn't. */
function guardedAtOne(paths: Paths): Paths {
  const guarded = (operation: ZodOpenApiOperationObject) => ({
    ...operation,
    security: [{}, ...SECURITY],
    responses: { ...operation.responses, ...GUARDS },
  });
  return Object.fromEntries(
    Object.entries(paths).map(([path, { get, post }]) => [path, {
      ...(get && { get: guarded(get) }),
      ...(post && { post: guarded(post) }),
    }]),
  );
}

/**
 * Adds what all operations share: an answer for everything that is not named,
 * and HEAD where there is GET.
 */
function whole(item: PathItem): PathItem {
  const { get, post } = item;
  const otherwise = (operation: ZodOpenApiOperationObject) => ({
    ...operation,
    responses: { ...operation.responses, default: OTHERWISE },
  });
  return {
    ...(get && { get: otherwise(get) }),
    ...(get && { head: headOf(get) }),
    ...(post && { post: otherwise(post) }),
  };
}

/** The same without bodies, and without all ids. */
function headOf(get: ZodOpenApiOperationObject): ZodOpenApiOperationObject {
  const responses = Object.entries({ ...get.responses, default: OTHERWISE })
    .map(([status, response]) => {
      const { content: _, id: __, ...rest } = response as {
        content?: unknown;
        id?: unknown;
      };
      return [status, rest];
    });
  const { operationId: _, ...head } = get;
  return { ...head, responses: Object.fromEntries(responses) };
}
