/**
 * The service's interface as an OpenAPI 3.1 document: every route, status and
 * header. https://spec.openapis.org/oas/v3.1.0
 *
 * @module
 */
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathItemObject,
} from "zod-openapi";
import { getListenerPaths } from "./get_paths.ts";
import { OTHERWISE } from "./responses.ts";
import { setListenerPaths } from "./set_paths.ts";

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

/** Addresses to bind that nobody can ask. */
const WILDCARDS = ["0.0.0.0", "::"];

const DESCRIPTION =
  `Two listeners. The set listener takes sets, backups and imports by HTTP Basic authentication, the get listener answers anyone.

Errors are problem details by RFC 9457. Any other method of a path gets 405 with Allow, any other path 404; on the set listener only after the credentials are right.

After 503 the set was certainly not stored: send it again after Retry-After. After 504 its outcome is unknown, or, where the detail says so, it is stored and this replica can't apply it yet.`;

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
  const at = (
    servers: ZodOpenApiPathItemObject["servers"],
    paths: Record<string, ZodOpenApiPathItemObject>,
  ) =>
    Object.entries(paths).map(([path, item]): [
      string,
      ZodOpenApiPathItemObject,
    ] => [path, { servers: servers!, ...whole(item) }]);
  const { probes, ...gets } = getListenerPaths();
  return JSON.stringify(createDocument({
    openapi: "3.1.0",
    info: { title: "UserGrade", version, description: DESCRIPTION },
    servers: [getListener],
    paths: Object.fromEntries([
      ...at([setListener], setListenerPaths()),
      ...at([getListener], gets.paths),
      ...at([getListener, setListener], probes),
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

/**
 * A path with what its operations share: an answer for all that is not named,
 * and HEAD, which is answered wherever GET is.
 */
function whole(item: ZodOpenApiPathItemObject): ZodOpenApiPathItemObject {
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

/** The same with no bodies; only what has a body is shared by name. */
function headOf(get: ZodOpenApiOperationObject): ZodOpenApiOperationObject {
  const responses = Object.entries({ ...get.responses, default: OTHERWISE })
    .map(([status, response]) => {
      const { content: _, id: __, ...rest } = response as {
        content?: unknown;
        id?: unknown;
      };
      return [status, rest];
    });
  return { ...get, responses: Object.fromEntries(responses) };
}
