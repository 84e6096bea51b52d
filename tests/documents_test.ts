import assert from "node:assert/strict";
import project from "../deno.json" with { type: "json" };
import { VARIABLES } from "../src/config/variables.ts";
import { OTHER_ROUTE } from "../src/http/server/request_counts.ts";
import { LocalService } from "./support/local_service.ts";
import { ROOT } from "./support/start_command.ts";

const DOCUMENTS = [
  "README.md",
  ".github/CHANGELOG.md",
  ".github/CONTRIBUTING.md",
  ".github/SECURITY.md",
  "src/DESIGN.md",
  "src/OPERATIONS.md",
  "tests/bench/FIGURES.md",
];

const read = (path: string) => Deno.readTextFileSync(ROOT + path);

/** The rows of the tables below a heading, each as its cells. */
function tableBelow(document: string, heading: string): string[][] {
  const section = document.split(/^#+ /m)
    .find((text) => text.startsWith(`${heading}\n`));
  assert.ok(section, `there is no heading ${heading}`);
  return [...section.matchAll(/^\|(.*)\|$/gm)].slice(2)
    .map(([, row]) => row.split(/(?<!\\)\|/).map((cell) => cell.trim()));
}

/** The names in a cell that are set as code. */
function codes(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code);
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchors(document: string): string[] {
  return [...document.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading.toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-")
  );
}

Deno.test("every link between documents leads to a file and a heading that exist", () => {
  let links = 0;
  for (const path of DOCUMENTS) {
    for (const [, target] of read(path).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https:/.test(target)) continue;
      const { pathname, hash } = new URL(target, `file://${ROOT}${path}`);
      const document = Deno.readTextFileSync(pathname);
      if (hash !== "") {
        assert.ok(
          anchors(document).includes(hash.slice(1)),
          `${path}: ${target}`,
        );
      }
      links++;
    }
  }
  assert.ok(links > 20);
});

Deno.test("every task that a document names exists, and CONTRIBUTING.md lists all", () => {
  for (const path of DOCUMENTS) {
    for (const [, task] of read(path).matchAll(/deno task ([a-z:]+)/g)) {
      assert.ok(task in project.tasks, `${path}: deno task ${task}`);
    }
  }
  const listed = tableBelow(read(".github/CONTRIBUTING.md"), "Tasks")
    .flatMap(([task, does]) => [...codes(task), ...codes(does)]);
  for (const task of Object.keys(project.tasks)) {
    assert.ok(
      listed.includes(`deno task ${task}`) || listed.includes(task),
      task,
    );
  }
});

Deno.test("OPERATIONS.md lists every variable with its default, and the README some of them", () => {
  const all = tableBelow(read("src/OPERATIONS.md"), "All variables");
  const some = tableBelow(read("README.md"), "Configuration");
  assert.deepEqual(
    all.flatMap(([names]) => codes(names)).sort(),
    Object.keys(VARIABLES).sort(),
  );
  assert.ok(some.length > 5);
  for (const [names, defaults] of [...all, ...some]) {
    const fallbacks = codes(names)
      .map((name) => VARIABLES[name as keyof typeof VARIABLES].fallback)
      .filter((fallback) => fallback !== undefined);
    assert.deepEqual(codes(defaults), fallbacks, names);
  }
});

Deno.test("the README lists the routes for clients, and OPERATIONS.md all others but the files of the pages", () => {
  const { requests } = new LocalService().apps;
  const served = [...requests.set.routes(), ...requests.get.routes()]
    .map(([route]) => route).filter((route) => route !== OTHER_ROUTE);
  const listed = [
    ...tableBelow(read("README.md"), "Requests and answers"),
    ...tableBelow(read("src/OPERATIONS.md"), "Requests for operators"),
  ].flatMap(([request]) => codes(request))
    .map((code) => /(\/[a-z.]*)/.exec(code)![1]);
  const routes = served.filter((path) => !/^\/(page|docs)\//.test(path));
  assert.deepEqual([...new Set(listed)].sort(), [...new Set(routes)].sort());
});
