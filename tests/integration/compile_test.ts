import assert from "node:assert/strict";
import project from "../../deno.json" with { type: "json" };
import { ServiceProcess } from "../support/service_process.ts";
import { ROOT } from "../support/start_command.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** What the runtime file is taken from, where one is named. */
const RUNTIME = Deno.env.get("DENORT_BIN");

/** The variable by which one can be named. */
const HOW_TO =
  "name its runtime file (denort) by DENORT_BIN, or let the machine reach dl.deno.land";

/** Every file of `src` that a module loads by a URL beside its own. */
async function filesLoadedByUrl(): Promise<string[]> {
  const { stdout } = await new Deno.Command("grep", {
    args: ["-rnE", "new URL\\(.*import\\.meta\\.url", `${ROOT}src`],
  }).output();
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => {
    const [file] = line.split(":");
    const relative = /new URL\("([^"]+)"/.exec(line)![1];
    return new URL(relative, `file://${file}`).pathname.slice(ROOT.length);
  });
}

Deno.test("deno task compile includes every file that is loaded by its URL", async () => {
  const included = [...project.tasks.compile.command
    .matchAll(/--include (\S+)/g)].map(([, file]) => file);
  const loaded = await filesLoadedByUrl();
  assert.ok(loaded.length >= 3);
  assert.deepEqual(included.sort(), [...new Set(loaded)].sort());
});

/** Runs the task, with its executable in a folder and another runtime file. */
async function compile(folder: string, runtime: string | undefined) {
  const command = project.tasks.compile.command
    // The types are checked apart.
    .replace("deno compile", "deno compile --no-check")
    .replace("--output usergrade", `--output ${folder}/usergrade`);
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "--eval", command],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...(runtime && { DENORT_BIN: runtime }) },
  }).output();
  const decoder = new TextDecoder();
  return { success, said: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** Drives a compiled service from a set to a backup. */
async function drive(executable: string, dataDir: string): Promise<void> {
  await using service = await ServiceProcess.start({ dataDir, executable });
  const set = await service.set({ user_id: "a", spp: 7 });
  assert.equal(set.status, 200);
  assert.equal((await set.json()).spp, 7);
  const got = await service.get("/get?user_id=a");
  assert.equal((await got.json()).spp, 7);
  const page = await service.get("/");
  assert.match(await page.text(), /<title>UserGrade/);
  const paths = [
    "/page/page.js",
    "/page/uplot.js",
    "/metrics",
    "/openapi.json",
  ];
  for (const path of paths) {
    const file = await service.get(path);
    assert.equal(file.status, 200, path);
    assert.ok((await file.text()).length > 100, path);
  }
  const backup = await service.backup();
  assert.equal(backup.status, 200);
  const csv = await new Response(
    backup.body!.pipeThrough(new DecompressionStream("gzip")),
  ).text();
  assert.match(csv, /^user_id,.*\r\na,0,7,0,0\r\n$/);
  assert.equal((await service.end("SIGTERM")).code, 0);
}

Deno.test("the compiled executable serves from a folder of its own", async () => {
  using folder = new TemporaryFolder();
  const { success, said } = await compile(folder.path, RUNTIME);
  if (success) {
    return await drive(`${folder.path}/usergrade`, folder.path);
  }
  // A runtime file that was named has to do.
  assert.equal(RUNTIME, undefined, said);
  assert.match(said, /denort|dl\.deno\.land/);
  // As far as it goes without: what would be embedded, in a file that is no
  // runtime for it.
  const trial = await compile(folder.path, Deno.execPath());
  assert.ok(trial.success, trial.said);
  const parts = [
    "log_worker.ts",
    "snapshot",
    "http",
    "nats/",
    "uplot/",
    // What is imported later could be left out as unused.
    "prom-client/",
    "zod-openapi/",
    "@opentelemetry/",
  ];
  for (const part of parts) {
    assert.ok(trial.said.includes(part), `${part} is not embedded`);
  }
  console.warn(
    `NOT VERIFIED: that the compiled executable runs. It was made, with all its files, but its runtime can't be had here: ${HOW_TO}.`,
  );
});
