import assert from "node:assert/strict";
import { AUTHORIZATION } from "../../support/credentials.ts";
import { runFile } from "../../support/run_program.ts";
import { ServedService } from "../../support/served_service.ts";
import { TemporaryFolder } from "../../support/temporary_folder.ts";
import { CLIENT_PROGRAM } from "./client_program.ts";
import type { DocumentReading } from "./read_document.ts";

const HERE = import.meta.dirname!;

/** Runs a program with the packages of the tools, and no others. */
async function run(args: string[], input = ""): Promise<string> {
  const output = await runFile(Deno.execPath(), [
    "run",
    "--no-prompt",
    "--no-config",
    `--lock=${HERE}/tools.lock`,
    "--frozen",
    ...args,
  ], input);
  return new TextDecoder().decode(output);
}

/** The document as a listener of a service serves it. */
async function documentAt(url: string): Promise<string> {
  const response = await fetch(`${url}/openapi.json`, {
    headers: { authorization: AUTHORIZATION },
  });
  assert.equal(response.status, 200);
  return await response.text();
}

/** What the tools make of a document. */
async function read(document: string): Promise<DocumentReading> {
  const program = `${HERE}/read_document.ts`;
  const permissions = ["--allow-read", "--allow-env", "--allow-sys"];
  return JSON.parse(await run([...permissions, program], document));
}

/** Compiles the client with the types, and lets it use a service. */
async function useClient(
  types: string,
  { setUrl, url }: ServedService,
): Promise<void> {
  using folder = new TemporaryFolder();
  const program = `${folder.path}/client.ts`;
  Deno.writeTextFileSync(program, CLIENT_PROGRAM);
  Deno.writeTextFileSync(`${folder.path}/types.ts`, types);
  const permissions = ["--check", "--allow-net=127.0.0.1"];
  await run([...permissions, program, setUrl, url, AUTHORIZATION]);
}

Deno.test("Redocly's rules find no error in the OpenAPI document of either listener, and a client by openapi-typescript and openapi-fetch uses the service", async () => {
  await using service = new ServedService();
  const document = await documentAt(service.url);
  assert.equal(await documentAt(service.setUrl), document);
  const { problems, types } = await read(document);
  // The service has no licence.
  assert.deepEqual(problems.map(({ ruleId }) => ruleId), ["info-license"]);
  await useClient(types, service);
});
