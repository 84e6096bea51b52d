import assert from "node:assert/strict";
import project from "../deno.json" with { type: "json" };
import { VARIABLES } from "../src/config/variables.ts";
import { ROOT } from "./support/start_command.ts";
import { testFiles, TOGETHER } from "./support/together.ts";

/**
 * Which folder or file of `src`, or of `src/http`, may import from which besides
 * itself. Arrows go one way: whatever a folder names here stands further down.
 */
const ARROWS: Record<string, string[]> = {
  "main.ts": [
    "run.ts",
    "cli",
    "log",
    "version.ts",
    "exit_status.ts",
  ],
  "run.ts": [
    "service.ts",
    "config",
    "descriptors.ts",
    "signals.ts",
    "cli",
    "telemetry",
    "version.ts",
    "exit_status.ts",
  ],
  "cli": ["client", "config", "snapshot", "version.ts", "exit_status.ts"],
  "client": [],
  "service.ts": [
    "parts.ts",
    "bind.ts",
    "startup.ts",
    "shutdown.ts",
    "config",
    "http/server",
    "telemetry",
  ],
  "parts.ts": [
    "apps.ts",
    "shutdown.ts",
    "snapshot_stores.ts",
    "snapshot_keeper.ts",
    "log_healer.ts",
    "config",
    "http/server",
    "cluster",
    "replica",
    "log",
    "snapshot",
    "telemetry",
  ],
  "log_healer.ts": [
    "snapshot_keeper.ts",
    "config",
    "cluster",
    "replica",
    "log",
    "snapshot",
  ],
  "bind.ts": ["config", "http/server"],
  "shutdown.ts": [
    "apps.ts",
    "config",
    "http/server",
    "cluster",
    "replica",
    "log",
    "snapshot_keeper.ts",
  ],
  "apps.ts": [
    "config",
    "http/openapi_document.ts",
    "http/set",
    "http/get",
    "http/docs",
    "http/server",
    "http/ports",
    "cluster",
    "replica",
    "telemetry",
    "histogram.ts",
    "lazy.ts",
  ],
  "startup.ts": [
    "peers.ts",
    "restoration.ts",
    "kept_state.ts",
    "snapshot_stores.ts",
    "snapshot_keeper.ts",
    "stored_states.ts",
    "config",
    "cluster",
    "replica",
    "log",
    "snapshot",
  ],
  "peers.ts": ["cluster", "replica", "snapshot"],
  "restoration.ts": ["stored_states.ts", "replica", "log", "snapshot"],
  "kept_state.ts": ["log", "snapshot"],
  "snapshot_stores.ts": [
    "snapshot_keeper.ts",
    "config",
    "replica",
    "log",
    "snapshot",
  ],
  "snapshot_keeper.ts": ["cluster", "replica", "log"],
  "stored_states.ts": ["cluster", "replica", "snapshot"],
  "config": [
    "http/server",
    "snapshot",
    "pem.ts",
    "password_line.ts",
    "telemetry",
  ],
  "telemetry": [
    "http/set",
    "http/get",
    "http/server",
    "http/ports",
    "cluster",
    "replica",
    "replica_states.ts",
    "histogram.ts",
  ],
  "http/openapi_document.ts": [
    "http/set",
    "http/get",
    "http/server",
    "http/openapi",
  ],
  "http/docs": ["http/page", "http/server"],
  "http/set": [
    "http/page",
    "http/server",
    "http/openapi",
    "http/ports",
    "snapshot",
    "storage",
    "committed.ts",
    "change_array.ts",
    "user_grade_schema.ts",
    "user_grade.ts",
    "idle_timeout.ts",
    "errors.ts",
  ],
  "http/get": [
    "change_array.ts",
    "http/page",
    "http/server",
    "http/openapi",
    "http/ports",
    "user_grade_schema.ts",
    "histogram.ts",
    "errors.ts",
  ],
  "http/page": ["http/server", "lazy.ts"],
  "http/server": [
    "http/openapi",
    "http/ports",
    "change_array.ts",
    "user_grade_schema.ts",
    "integer_text.ts",
    "errors.ts",
    "lazy.ts",
  ],
  "http/openapi": [
    "replica_states.ts",
    "user_grade_schema.ts",
    "user_grade.ts",
  ],
  "http/ports": ["snapshot", "replica_states.ts", "committed.ts"],
  "cluster": ["replica", "log"],
  "replica": [
    "log",
    "snapshot",
    "storage",
    "replica_states.ts",
    "user_grade.ts",
    "histogram.ts",
    "change_array.ts",
    "committed.ts",
    "errors.ts",
  ],
  "log": [
    "snapshot",
    "storage",
    "user_grade_schema.ts",
    "user_grade.ts",
    "pem.ts",
    "password_line.ts",
    "errors.ts",
  ],
  "snapshot": [
    "storage",
    "user_grade.ts",
    "integer_text.ts",
    "idle_timeout.ts",
  ],
  "storage": ["user_grade.ts"],
  "change_array.ts": ["user_grade_schema.ts"],
  "committed.ts": ["user_grade.ts"],
  "replica_states.ts": [],
  "user_grade_schema.ts": ["user_grade.ts"],
  "user_grade.ts": [],
  "integer_text.ts": [],
  "idle_timeout.ts": [],
  "pem.ts": [],
  "password_line.ts": [],
  "descriptors.ts": [],
  "signals.ts": [],
  "histogram.ts": [],
  "errors.ts": [],
  "lazy.ts": [],
  "version.ts": [],
  "exit_status.ts": [],
};

/** Which module or folder alone may import a package. */
const SOLE_IMPORTERS: Record<string, string[]> = {
  "node:sqlite": ["log/sqlite/"],
  "npm:nats@": ["log/jetstream/"],
  "npm:prom-client@": ["telemetry/metric_registry.ts"],
};

/**
 * What a start loads besides modules of its own: the main thread, in two steps,
 * and the log's thread with either engine. Each library costs up to a hundred
 * milliseconds, and each module of `node:` that brings the runtime's `process`
 * with it some twenty: import what a start does not need when it is needed.
 */
const LOADED_AT_START: Record<string, string[]> = {
  "main.ts": ["node:util"],
  "run.ts": [
    "deno.json",
    "node:buffer",
    "node:os",
    "node:path",
    "node:timers/promises",
    "npm:@logtape/logtape",
    "npm:zod",
  ],
  "log/thread/log_worker.ts": [],
  "log/sqlite/sqlite_log.ts": [
    "node:path",
    "node:sqlite",
    "node:timers/promises",
  ],
  "log/jetstream/jetstream_log.ts": [
    "node:crypto",
    "node:timers/promises",
    "npm:nats",
    "npm:zod",
  ],
};

/** What runs by itself: the command and the workers. */
const ENTRIES = [
  "main.ts",
  "log/thread/log_worker.ts",
  "snapshot/format/backup_worker.ts",
  "snapshot/format/decode_worker.ts",
];

interface Import {
  from: string;
  to: string;
  /** Whether it is loaded with the module: it gives more than types. */
  isLoaded: boolean;
}

async function importsOf(...roots: string[]): Promise<Import[]> {
  const found = new Map<string, Import>();
  for (const root of roots) {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", `${ROOT}src/${root}`],
    }).output();
    const { modules } = JSON.parse(new TextDecoder().decode(stdout));
    for (const { specifier, dependencies = [] } of modules) {
      if (!specifier.startsWith(`file://${ROOT}src/`)) continue;
      const from = specifier.slice(`file://${ROOT}src/`.length);
      for (const { specifier, code, type, isDynamic = false } of dependencies) {
        const resolved: string = code?.specifier ?? type?.specifier ??
          specifier;
        const to = resolved.replace(`file://${ROOT}src/`, "");
        const isLoaded = code !== undefined && !isDynamic;
        found.set(`${from} ${to}`, { from, to, isLoaded });
      }
    }
  }
  return [...found.values()];
}

function place(module: string): string {
  const [first, second] = module.split("/");
  return first === "http" ? `http/${second}` : first;
}

Deno.test("modules import only from folders further down", async () => {
  const imports = await importsOf(...ENTRIES);
  assert.ok(imports.length > 50);
  for (const { from, to } of imports) {
    if (!to.endsWith(".ts")) continue;
    assert.ok(
      place(from) === place(to) || ARROWS[place(from)]?.includes(place(to)),
      `${from} must not import ${to}`,
    );
  }
  const order = Object.keys(ARROWS);
  for (const [from, targets] of Object.entries(ARROWS)) {
    for (const to of targets) {
      assert.ok(
        order.indexOf(to) > order.indexOf(from),
        `${from} and ${to} go round in circles`,
      );
    }
  }
});

Deno.test("only the engine imports its library", async () => {
  for (const { from, to } of await importsOf(...ENTRIES)) {
    const library = Object.keys(SOLE_IMPORTERS).find((name) =>
      to === name || to.startsWith(name)
    );
    if (library !== undefined) {
      const importers = SOLE_IMPORTERS[library];
      assert.ok(
        importers.some((importer) => from.startsWith(importer)),
        `${from}: ${to}`,
      );
    }
  }
});

Deno.test("a start loads no more than it needs", async () => {
  for (const [entry, expected] of Object.entries(LOADED_AT_START)) {
    const imports = (await importsOf(entry)).filter((one) => one.isLoaded);
    const loaded = new Set([entry]);
    for (const from of loaded) {
      for (const one of imports) if (one.from === from) loaded.add(one.to);
    }
    const others = [...loaded].filter((one) => !one.endsWith(".ts")).map((
      one,
    ) =>
      one.replace(`file://${ROOT}`, "").replace(/^(npm:)\/?/, "$1")
        .replace(/(?<=\w)@.*/, "")
    );
    assert.deepEqual([...new Set(others)].sort(), expected, entry);
  }
});

Deno.test("only main.ts touches arguments, environment and exit status", async () => {
  const { stdout } = await new Deno.Command("grep", {
    args: ["-rlE", "Deno\\.(env|exit|args)\\b", `${ROOT}src`],
  }).output();
  assert.equal(
    new TextDecoder().decode(stdout).trim(),
    `${ROOT}src/main.ts`,
  );
});

Deno.test("the tasks allow the environment variables that the configuration reads, and no others", () => {
  for (const name of ["start", "compile"] as const) {
    const { command } = project.tasks[name];
    const match = /--allow-env=(\S+)/.exec(command);
    assert.deepEqual(
      match?.[1].split(","),
      // The last is set, so that no request goes through a proxy.
      [...Object.keys(VARIABLES), "NO_PROXY"],
      name,
    );
  }
});

Deno.test("the test task runs every test file", () => {
  const { command } = project.tasks.test;
  assert.ok(command.includes(" tests/together/*.ts "));
  const named = [
    ...command.split(" ").filter((word) => word.startsWith("tests/")),
    ...Object.values(TOGETHER).flat().map((folder) =>
      folder === "" ? "tests/*_test.ts" : `tests/${folder}`
    ),
  ].map((name) =>
    new RegExp(`^${ROOT}${name.replace("*", "[^/]*")}(/.*_test\\.ts)?$`)
  );
  assert.deepEqual(
    testFiles(`${ROOT}tests`).filter((path) =>
      !named.some((name) => name.test(path))
    ),
    [],
  );
});

Deno.test("no task allows everything", () => {
  for (const { command } of Object.values(project.tasks)) {
    assert.doesNotMatch(command, /(^|\s)(-A|--allow-all)\b/);
  }
});

Deno.test("no package runs a script when it is installed, and no start warns of one", () => {
  const { npm }: { npm: Record<string, { scripts?: boolean }> } = JSON.parse(
    Deno.readTextFileSync(`${ROOT}/deno.lock`),
  );
  const withScripts = Object.entries(npm).filter(([, { scripts }]) => scripts)
    .map(([name]) => `npm:${name.replace(/@[^@]*$/, "")}`);
  assert.deepEqual(project.allowScripts, { deny: withScripts });
});
