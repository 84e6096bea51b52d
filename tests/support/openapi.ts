/**
 * Holding answers against an OpenAPI document.
 *
 * @module
 */
import Ajv from "ajv/dist/2020.js";
import assert from "node:assert/strict";

interface DeclaredResponse {
  readonly $ref?: string;
  readonly content?: Record<string, { readonly schema: object }>;
  readonly headers?: Record<string, { readonly required?: boolean }>;
}

interface Operation {
  readonly responses: Record<string, DeclaredResponse>;
}

interface PathItem {
  readonly servers: readonly { readonly url: string }[];
  readonly get?: Operation & { readonly security?: unknown };
  readonly post?: Operation;
}

/** What is read of a document. */
export interface OpenApi {
  readonly paths: Record<string, PathItem>;
}

/** The methods of paths; HEAD is there where GET is, and is not declared. */
export const METHODS = ["get", "head", "post"] as const;

/** One of {@linkcode METHODS}. */
export type Method = typeof METHODS[number];

/** The statuses that stand for all that is wrong with any request. */
const SHARED_STATUSES = ["4XX", "500"];

/** The method that declares the answers to one. */
const declaring = (method: Method) => method === "head" ? "get" : method;

/** Headers of HTTP itself, which OpenAPI leaves to the content or to nobody. */
const TRANSPORT_HEADERS = [
  "connection",
  "content-length",
  "content-type",
  "date",
  "transfer-encoding",
];

/** Checks answers, and keeps count of which were seen. */
export class AnswerChecker {
  /** Method, path and status of every answer that was checked. */
  readonly seen = new Set<string>();
  // deno-lint-ignore no-explicit-any -- the package's types miss its default
  readonly #ajv = new (Ajv as any)({ strict: false, validateFormats: false });

  /** @param document A valid document. */
  constructor(private readonly document: OpenApi) {
    this.#ajv.addSchema(closed(document), "document");
  }

  /** Every answer that the document declares, named as in {@linkcode seen}. */
  declared(): string[] {
    return Object.entries(this.document.paths).flatMap(([path, item]) =>
      METHODS.flatMap((method) =>
        Object.keys(item[declaring(method)]?.responses ?? {})
          .filter((status) => !SHARED_STATUSES.includes(status))
          .map((status) => `${method} ${path} ${status}`)
      )
    );
  }

  #responsesOf(method: Method, path: string) {
    const declared = declaring(method);
    const responses = this.document.paths[path]?.[declared]?.responses;
    return { declared, responses };
  }

  /**
   * Checks an answer: its status, its content type, its headers and its body.
   *
   * @throws {AssertionError} If the document does not have it so.
   */
  async check(
    method: Method,
    path: string,
    response: Response,
  ): Promise<void> {
    const { status } = response;
    const { declared, responses } = this.#responsesOf(method, path);
    const name = `${method} ${path} ${status}`;
    assert.ok(responses?.[status] !== undefined, `${name} is not declared`);
    this.seen.add(name);
    const at = ["paths", path, declared, "responses", String(status)];
    await this.#compare(name, at, response, method === "head");
  }

  /**
   * Checks an answer of a status that is not declared by itself.
   *
   * @throws {AssertionError} If it is declared, or not as the others are.
   */
  async checkOther(
    method: Method,
    path: string,
    response: Response,
  ): Promise<void> {
    const { status } = response;
    const { declared, responses } = this.#responsesOf(method, path);
    assert.ok(responses?.["4XX"] !== undefined);
    assert.ok(!(status in responses), `${method} ${path} declares ${status}`);
    assert.ok(status >= 400 && status < 500, `${method} ${path} ${status}`);
    const at = ["paths", path, declared, "responses", "4XX"];
    await this.#compare(`${method} ${path} ${status}`, at, response, false);
  }

  /** @param at The way to the declared response. */
  async #compare(
    name: string,
    at: readonly string[],
    response: Response,
    isHead: boolean,
  ): Promise<void> {
    const [declared, place] = this.#find(at);
    this.#compareHeaders(name, declared.headers ?? {}, place, response);
    const body = await bodyOf(response);
    if (isHead || declared.content === undefined) {
      assert.equal(body, "", name);
      return;
    }
    const type = response.headers.get("content-type")!.split(";")[0];
    assert.ok(type in declared.content, `${name} is ${type}`);
    if (!type.endsWith("json")) return;
    this.#validate(
      name,
      [...place, "content", type, "schema"],
      JSON.parse(body),
    );
  }

  /** A declared response and its place, behind its name if it has one. */
  #find(at: readonly string[]): [DeclaredResponse, readonly string[]] {
    const found = at.reduce(
      // deno-lint-ignore no-explicit-any -- any part of a document
      (part: any, key) => part[key],
      this.document,
    ) as DeclaredResponse;
    return found.$ref === undefined
      ? [found, at]
      : this.#find(found.$ref.split("/").slice(1));
  }

  /** That there are those which must be, and no others. */
  #compareHeaders(
    name: string,
    declared: NonNullable<DeclaredResponse["headers"]>,
    place: readonly string[],
    { headers }: Response,
  ): void {
    for (const [header, { required }] of Object.entries(declared)) {
      assert.ok(!required || headers.has(header), `${name} lacks ${header}`);
    }
    for (const [header, value] of headers) {
      if (TRANSPORT_HEADERS.includes(header)) continue;
      assert.ok(header in declared, `${name} has ${header}`);
      this.#validate(name, [...place, "headers", header, "schema"], value);
    }
  }

  #validate(name: string, place: readonly string[], value: unknown): void {
    const pointer = place.map((part) =>
      encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))
    ).join("/");
    const validate = this.#ajv.getSchema(`document#/${pointer}`);
    assert.ok(
      validate(value),
      `${name}, ${place.at(-2)}: ${JSON.stringify(validate.errors)} ${
        JSON.stringify(value)
      }`,
    );
  }
}

/**
 * The same document, whose objects have no fields but the declared ones: a
 * client lets a later version say more, and this one says no more than it
 * declares.
 */
function closed<T>(part: T): T {
  if (typeof part !== "object" || part === null) return part;
  if (Array.isArray(part)) return part.map(closed) as T;
  const copy = Object.fromEntries(
    Object.entries(part).map(([key, value]) => [key, closed(value)]),
  );
  if (typeof copy.properties === "object") copy.additionalProperties ??= false;
  return copy as T;
}

/** The whole body, or the beginning of one without end. */
async function bodyOf(response: Response): Promise<string> {
  const type = response.headers.get("content-type");
  if (type !== "text/event-stream" || response.body === null) {
    return await response.text();
  }
  const reader = response.body.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}
