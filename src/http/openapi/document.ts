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
import { setListenerPaths } from "./set_paths.ts";

/** What differs from one replica to the next. */
export interface OpenApiOptions {
  readonly version: string;
  readonly setPort: number;
}

const DESCRIPTION =
  `Two listeners. The set listener takes sets, backups and imports by HTTP Basic authentication, the get listener answers anyone.

Errors are problem details by RFC 9457. Any other method of a path gets 405 with Allow, any other path 404.

After 503 the set was certainly not stored: send it again after Retry-After. After 504 nobody can say.`;

/**
 * @param options Of the replica that answers.
 * @returns The document as JSON text.
 */
export function openApiDocument({ version, setPort }: OpenApiOptions): string {
  const getListener = {
    url: "/",
    description: "the get listener, which this document came from",
  };
  const setListener = {
    url: "{scheme}://{host}:{port}",
    description: "the set listener",
    variables: {
      scheme: { default: "http", enum: ["http", "https"] as string[] },
      host: { default: "127.0.0.1" },
      port: { default: String(setPort) },
    },
  };
  const at = (
    servers: ZodOpenApiPathItemObject["servers"],
    paths: Record<string, ZodOpenApiPathItemObject>,
  ) =>
    Object.entries(paths).map(([path, item]): [
      string,
      ZodOpenApiPathItemObject,
    ] => [path, { servers: servers!, ...withHead(item) }]);
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

/** Whatever answers GET answers HEAD too, but for what is of the set listener. */
function withHead(item: ZodOpenApiPathItemObject): ZodOpenApiPathItemObject {
  const { get } = item;
  if (get === undefined || get.security !== undefined) return item;
  const responses = Object.fromEntries(
    Object.entries(get.responses).map(([status, response]) => {
      const { content: _, ...rest } = response as { content?: unknown };
      return [status, rest];
    }),
  ) as ZodOpenApiOperationObject["responses"];
  return { ...item, head: { ...get, responses } };
}
