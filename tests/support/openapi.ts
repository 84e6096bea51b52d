/**
 * Holding answers against an OpenAPI document.
 *
 * @module
 */
import Ajv from "ajv/dist/2020.js";
import assert from "node:assert/strict";

interface DeclaredResponse {
  readonly content?: Record<string, { readonly schema: object }>;
  readonly headers?: Record<string, { readonly required?: boolean }>;
}

interface Operation {
  readonly responses: Record<string, DeclaredResponse>;
}

/** What is read of a document. */
export interface OpenApi {
  readonly paths: Record<string, Record<string, Operation>>;
}

/** Checks answers, and keeps count of which were seen. */
export class AnswerChecker {
  /** Method, path and status of every answer that was checked. */
  readonly seen = new Set<string>();
  // deno-lint-ignore no-explicit-any -- the package's types miss its default
  readonly #ajv = new (Ajv as any)({ strict: false, validateFormats: false });

  /** @param document A valid document. */
  constructor(private readonly document: OpenApi) {
    this.#ajv.addSchema(document, "document");
  }

  /** Every answer that the document declares, named as in {@linkcode seen}. */
  declared(): string[] {
    return Object.entries(this.document.paths).flatMap(([path, item]) =>
      ["get", "head", "post"].flatMap((method) =>
        Object.keys(item[method]?.responses ?? {}).map((status) =>
          `${method} ${path} ${status}`
        )
      )
    );
  }

  /**
   * Checks an answer: its status, its content type, its headers and its body.
   *
   * @throws {AssertionError} If the document does not have it so.
   */
  async check(method: string, path: string, response: Response): Promise<void> {
    const name = `${method} ${path} ${response.status}`;
    const declared = this.document.paths[path]?.[method]
      ?.responses[response.status];
    assert.ok(declared !== undefined, `${name} is not declared`);
    this.seen.add(name);
    for (
      const [header, { required }] of Object.entries(declared.headers ?? {})
    ) {
      assert.ok(
        !required || response.headers.has(header),
        `${name} lacks ${header}`,
      );
    }
    const body = await response.text();
    if (declared.content === undefined) {
      assert.equal(body, "", name);
      return;
    }
    const type = response.headers.get("content-type")!.split(";")[0];
    assert.ok(type in declared.content, `${name} is ${type}`);
    if (!type.endsWith("json")) return;
    const pointer = ["paths", path, method, "responses", response.status]
      .concat("content", type, "schema")
      .map((part) =>
        encodeURIComponent(
          String(part).replaceAll("~", "~0").replaceAll("/", "~1"),
        )
      ).join("/");
    const validate = this.#ajv.getSchema(`document#/${pointer}`);
    assert.ok(
      validate(JSON.parse(body)),
      `${name}: ${JSON.stringify(validate.errors)} ${body}`,
    );
  }
}
