/**
 * The commands of a document, run as they are written.
 *
 * @module
 */
import assert from "node:assert/strict";
import { PASSWORD, USER } from "./credentials.ts";
import { ROOT } from "./start_command.ts";

/** What stands in a document, and what it is where the commands run. */
export type Replacements = readonly [written: string, here: string][];

/** A service that a command starts. */
export interface WrittenStart {
  /** The variables before the command. */
  readonly env: Record<string, string>;
}

/**
 * @param document Its path in the project.
 * @param heading The heading above the commands.
 * @returns The blocks of commands below the heading, up to the next one.
 */
export function commandsBelow(document: string, heading: string): string[] {
  const section = Deno.readTextFileSync(ROOT + document).split(/^#+ /m)
    .find((text) => text.startsWith(`${heading}\n`));
  assert.ok(section, `there is no heading ${heading}`);
  return [...section.matchAll(/^( *)```sh\n(.*?)^ *```$/gms)]
    .map(([, indent, block]) =>
      block.replaceAll(RegExp(`^${indent}`, "gm"), "")
    );
}

/**
 * Runs a block of commands; those that start a service are returned instead.
 *
 * @param block The commands.
 * @param replacements Applied to them in this order.
 * @param env Variables of a person's shell.
 */
export async function runWritten(
  block: string,
  replacements: Replacements,
  env: Record<string, string>,
): Promise<WrittenStart[]> {
  const starts: WrittenStart[] = [];
  const script: string[] = [];
  for (const line of block.trim().split("\n")) {
    const here = replacements.reduce(
      (text, [written, here]) => text.replaceAll(written, here),
      line,
    );
    const start = /^((?:\w+=\S+ )*)deno task start$/.exec(here);
    if (start === null) script.push(here);
    else {
      starts.push({
        env: Object.fromEntries(
          [...start[1].matchAll(/(\w+)=(\S+) /g)]
            .map(([, name, value]) => [name, value]),
        ),
      });
    }
  }
  if (script.length > 0) await runShell(script.join("\n"), env);
  return starts;
}

async function runShell(
  script: string,
  env: Record<string, string>,
): Promise<void> {
  const { code, stderr, stdout } = await new Deno.Command("bash", {
    args: ["-euo", "pipefail", "-c", script],
    cwd: ROOT,
    env: {
      AUTH_USER: USER,
      AUTH_PASSWORD: PASSWORD,
      NO_COLOR: "1",
      // The tests are run by a task too, which has set it for all below it.
      INIT_CWD: ROOT,
      ...env,
    },
  }).output();
  const decoder = new TextDecoder();
  assert.equal(
    code,
    0,
    `${script}\n${decoder.decode(stdout)}${decoder.decode(stderr)}`,
  );
}

/**
 * Makes the command `nats` of the documents.
 *
 * @param folder Where it is put.
 * @returns A `PATH` on which it is found first.
 */
export function withNats(folder: string): string {
  const path = `${folder}/nats`;
  Deno.writeTextFileSync(
    path,
    `#!/bin/sh\nexec ${Deno.execPath()} run --quiet --no-prompt --allow-net=127.0.0.1 --allow-read --allow-write --allow-env --allow-sys ${ROOT}tests/support/nats_command.ts "$@"\n`,
    { mode: 0o755 },
  );
  return `${folder}:${Deno.env.get("PATH")}`;
}
