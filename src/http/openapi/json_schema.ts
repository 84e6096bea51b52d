/**
 * JSON schemas that generators of clients turn into good code.
 *
 * @module
 */
import type { createDocument, oas31, ZodOpenApiOverride } from "zod-openapi";

/** An OpenAPI document. */
export type Document = ReturnType<typeof createDocument>;

/**
 * Changes a schema to say the same so that generators understand it, and says
 * how large numbers are, since many take 32 bits for an integer.
 *
 * Objects of answers get no `additionalProperties: false`: a later version may
 * say more, and a client that is strict would refuse it.
 */
export const forGenerators: ZodOpenApiOverride = ({ jsonSchema, io }) => {
  if (io === "output" && jsonSchema.additionalProperties === false) {
    delete jsonSchema.additionalProperties;
  }
  const [one, other] = jsonSchema.anyOf ?? [];
  if (other?.type === "null" && typeof one.type === "string") {
    delete jsonSchema.anyOf;
    const { type, ...rest } = one;
    Object.assign(jsonSchema, { type: [type, "null"], ...rest, ...jsonSchema });
  }
  const types: unknown[] = [jsonSchema.type].flat();
  if (types.includes("integer")) jsonSchema.format ??= "int64";
  if (types.includes("number")) jsonSchema.format ??= "double";
};

/**
 * Writes "one, or an array of them" as one schema with both types. Generators of
 * Java fail at a union with an array
 * (https://github.com/OpenAPITools/openapi-generator/issues/17745) and take the
 * first of several types: the array, which has one element or more. Those of
 * TypeScript and Python make a union of it; the client in Python looks for the
 * first type alone, so that its second one may be an object of any class.
 *
 * @param document Its named schemas are changed.
 * @returns The same document.
 */
export function withoutUnions(document: Document): Document {
  const schemas: Record<string, oas31.SchemaObject> = Object(
    document.components?.schemas,
  );
  for (const [name, schema] of Object.entries(schemas)) {
    const [one, many] = schema.anyOf ?? [];
    if (one?.$ref === undefined || !("type" in many)) continue;
    const { description: _, ...object } =
      schemas[one.$ref.slice(one.$ref.lastIndexOf("/") + 1)];
    schemas[name] = {
      // Names the class of the one; without it, that is "SetRequestType0".
      title: name,
      ...object,
      ...many,
      type: ["array", "object"],
    };
  }
  return document;
}
