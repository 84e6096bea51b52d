/**
 * The service's interface as an OpenAPI 3.1 document: every operation, status
 * and header. The pages and their files are not in it.
 * https://spec.openapis.org/oas/v3.1.0
 *
 * @module
 */
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiResponseObject,
} from "zod-openapi";
import { CLUSTER_PATH } from "./get/cluster_openapi.ts";
import { GET_PATH } from "./get/get_openapi.ts";
import { HISTORY_PATH } from "./get/history_openapi.ts";
import { METRICS_PATH } from "./get/metrics_openapi.ts";
import { STATUS_PATH } from "./get/status_openapi.ts";
import { USERS_PATH } from "./get/users_openapi.ts";
import { WATCH_PATH } from "./get/watch_openapi.ts";
import { forGenerators, withoutUnions } from "./openapi/json_schema.ts";
import { withExample } from "./openapi/problem_examples.ts";
import {
  GUARDS,
  OTHERWISE,
  type PathItem,
  type Paths,
  SECURITY,
} from "./openapi/responses.ts";
import { TAGS } from "./openapi/tags.ts";
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
};

/** The paths of the get listener besides its probes. */
const GET_LISTENER_PATHS: Paths = {
  "/status": STATUS_PATH,
  "/cluster": CLUSTER_PATH,
  "/history": HISTORY_PATH,
  "/metrics": METRICS_PATH,
};

/** The paths of both listeners that the set listener guards. */
const SHARED_PATHS: Paths = { "/get": GET_PATH, "/watch": WATCH_PATH };

/** What differs from one replica, and from one way to it, to the next. */
export interface OpenApiOptions {
  readonly version: string;
  /** The URLs of the listeners, without a slash at the end. */
  readonly urls: { readonly set: string; readonly get: string };
}

const DESCRIPTION =
  `Two listeners. The set listener serves sets, deletions, imports, backups and snapshots and requires HTTP Basic authentication, for what both listeners serve too. The get listener is open.

Where there is GET there is HEAD too: the same answer without its body.

## Errors

Errors are problem details by RFC 9457. Another method of a path gets 405 with Allow, another path 404. The set listener checks the credentials first.

503: the change was certainly not stored; send it again after Retry-After. 504: the outcome is unknown, or, where the detail says so, the change is stored and this replica can't apply it yet.`;

/**
 * @param options Of the replica that answers.
 * @returns The document as JSON text.
 */
export function openApiDocument({ version, urls }: OpenApiOptions): string {
  const getListener = {
    url: urls.get,
    description: "The get listener; a proxy may serve it elsewhere",
  };
  const setListener = {
    url: urls.set,
    description: "The set listener; a proxy may serve it elsewhere",
  };
  const at = (servers: NonNullable<PathItem["servers"]>, paths: Paths) =>
    Object.entries(whole(paths)).map(([path, item]): [string, PathItem] => [
      path,
      { servers, ...item },
    ]);
  return JSON.stringify(withoutUnions(createDocument({
    openapi: "3.1.0",
    info: { title: "UserGrade", version, description: DESCRIPTION },
    servers: [getListener],
    security: [],
    tags: TAGS,
    paths: Object.fromEntries([
      ...at([setListener], SET_LISTENER_PATHS),
      ...at([getListener, setListener], guardedAtOne(SHARED_PATHS)),
      ...at([getListener], GET_LISTENER_PATHS),
      ...at([getListener, setListener], PROBE_PATHS),
    ]),
    components: {
      securitySchemes: { basic: { type: "http", scheme: "basic" } },
    },
  }, { override: forGenerators })));
}

/** Adds what the set listener asks for and the get listener doesn't. */
function guardedAtOne(paths: Paths): Paths {
  return eachOperation(paths, (operation) => ({
    ...operation,
    security: [{}, ...SECURITY],
    responses: { ...operation.responses, ...GUARDS },
  }));
}

/** Adds the answers to everything that an operation does not name. */
function whole(paths: Paths): Paths {
  return eachOperation(paths, (operation) => ({
    ...operation,
    responses: { ...withExamples(operation.responses), ...OTHERWISE },
  }));
}

/** Adds an example to each error. */
function withExamples(
  responses: ZodOpenApiOperationObject["responses"],
): ZodOpenApiOperationObject["responses"] {
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => [
      status,
      withExample(status, response as ZodOpenApiResponseObject),
    ]),
  );
}

/** Changes every operation of some paths. */
function eachOperation(
  paths: Paths,
  change: (operation: ZodOpenApiOperationObject) => ZodOpenApiOperationObject,
): Paths {
  return Object.fromEntries(
    Object.entries(paths).map(([path, { get, post }]) => [path, {
      ...(get && { get: change(get) }),
      ...(post && { post: change(post) }),
    }]),
  );
}
