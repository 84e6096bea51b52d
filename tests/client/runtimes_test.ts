import assert from "node:assert/strict";
import { PASSWORD, USER } from "../support/credentials.ts";
import { TestBrowser } from "../support/browser.ts";
import { runProgram } from "../support/run_program.ts";
import { ServedService } from "../support/served_service.ts";
import { ROOT } from "../support/start_command.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const browser = TestBrowser.forAllTests();

/** The client as one JavaScript module. */
async function bundle(): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform=browser", "src/client/mod.ts"],
    cwd: ROOT,
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** What other runtimes do with the client; `options` is its argument. */
async function useClient(
  // deno-lint-ignore no-explicit-any -- of another program
  UserGradeClient: any,
  options: unknown,
): Promise<unknown> {
  const client = new UserGradeClient(options);
  const set = await client.set({ user_id: "é", spp: 5 });
  const watched: unknown[] = [];
  for await (const change of client.watch({ after: 0 })) {
    watched.push(change.type);
    break;
  }
  const refused = await client.set({ user_id: "é", spp: 0.5 }).catch(
    ({ name, answer }: { name: string; answer: { status: number } }) =>
      `${name} ${answer.status}`,
  );
  const { body, sequence } = await client.backup();
  const file = new Uint8Array(await new Response(body).arrayBuffer());
  const csv = new Blob(["user_id,spp\nbob,1\n"]);
  const imported = [
    await client.import(csv),
    await client.import(csv.stream()),
  ];
  return {
    spp: set.spp,
    got: (await client.get("é")).user_id,
    many: await client.getMany(["nobody"]),
    watched,
    refused,
    sequence,
    gzip: [file[0], file[1]],
    imported: imported.map(({ rows }) => rows),
    deleted: await client.delete("é"),
  };
}

const USED = {
  spp: 5,
  got: "é",
  watched: ["set"],
  refused: "RefusedError 400",
  sequence: 1,
  gzip: [0x1f, 0x8b],
  imported: [1, 1],
  deleted: { user_id: "é", existed: true },
};

Deno.test("the client compiles in projects of others, and is JavaScript once its types are cut out", async () => {
  using folder = new TemporaryFolder();
  const config = `${folder.path}/deno.json`;
  const compilerOptions = {
    strict: true,
    erasableSyntaxOnly: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noImplicitOverride: true,
    verbatimModuleSyntax: true,
    lib: ["esnext", "dom", "dom.iterable", "dom.asynciterable"],
  };
  await Deno.writeTextFile(config, JSON.stringify({ compilerOptions }));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", `--config=${config}`, "src/client/mod.ts"],
    cwd: ROOT,
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
});

Deno.test("the client works in Node.js", async () => {
  await using service = new ServedService();
  const { setUrl, url: getUrl } = service;
  const options = { setUrl, getUrl, user: USER, password: PASSWORD };
  const script = `${await bundle()}
${useClient}
console.log(JSON.stringify(await useClient(UserGradeClient, ${
    JSON.stringify(options)
  })));`;
  const output = await runProgram("node", ["--input-type=module"], script);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(output)), {
    ...USED,
    many: [null],
  });
});

Deno.test("the client works in the service's own page, without a password", async () => {
  await using service = new ServedService();
  const { page } = await browser.open(`${service.setUrl}/page`, {
    httpCredentials: { username: USER, password: PASSWORD },
  });
  const source = await bundle();
  const used = await page.evaluate(
    `(async () => { ${source.replace(/^export\s*\{[^}]*\};?\s*$/m, "")}
${useClient}
return JSON.stringify(await useClient(UserGradeClient, { setUrl: location.origin })); })()`,
  );
  assert.deepEqual(JSON.parse(String(used)), { ...USED, many: [null] });
});
