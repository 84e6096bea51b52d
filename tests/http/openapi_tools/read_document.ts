/**
 * What the tools of others make of an OpenAPI document, which standard input
 * has: TypeScript types by openapi-typescript, and the problems that Redocly's
 * recommended rules see. Prints both as JSON.
 *
 * It runs by itself, with a lock file of its own: the packages take 44 MB,
 * which the image of the service would install too by the project's.
 *
 * @module
 */

/** What is printed. */
export interface DocumentReading {
  /** A module. */
  readonly types: string;
  readonly problems: readonly DocumentProblem[];
}

/** What a rule says about a place of the document. */
export interface DocumentProblem {
  readonly severity: string;
  readonly ruleId: string;
  readonly message: string;
}

// As arguments, so that no other lock file gets the packages.
const GENERATOR = "npm:openapi-typescript@7.13.0";
const RULES = "npm:@redocly/openapi-core@1.34.24";
const { default: openapiTypes, astToString } = await import(GENERATOR);
const { createConfig, lintFromString } = await import(RULES);

const source = await new Response(Deno.stdin.readable).text();
const reading: DocumentReading = {
  types: astToString(await openapiTypes(source)),
  problems: await lintFromString({
    source,
    absoluteRef: "/openapi.json",
    config: await createConfig({ extends: ["recommended"] }),
  }),
};
console.log(JSON.stringify({
  ...reading,
  // Each has the whole document with it.
  problems: reading.problems.map(({ severity, ruleId, message }) => ({
    severity,
    ruleId,
    message,
  })),
}));
