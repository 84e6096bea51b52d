/**
 * Prints what `deno compile` has to leave out.
 *
 * `prom-client` brings a package whose folder of samples holds two megabytes of
 * numbers without an extension. `deno compile` takes them for JavaScript and
 * overflows its stack (https://github.com/denoland/deno/issues/36746).
 *
 * @module
 */

/** The package, and its folder that nothing imports. */
const PACKAGE = "bintrees";
const FOLDER = "test";

function deno(...args: string[]): string {
  const { success, stdout } = new Deno.Command("deno", {
    args,
    stderr: "inherit",
  }).outputSync();
  if (!success) throw new Error(`Cannot run deno ${args.join(" ")}`);
  return new TextDecoder().decode(stdout);
}

function* folders(): Generator<string> {
  const { npmCache } = JSON.parse(deno("info", "--json"));
  for (const registry of Deno.readDirSync(npmCache)) {
    const path = `${npmCache}/${registry.name}/${PACKAGE}`;
    try {
      for (const version of Deno.readDirSync(path)) {
        if (version.isDirectory) yield `${path}/${version.name}/${FOLDER}`;
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

// What is not in the cache yet can't be found there.
deno("cache", "--quiet", "src/main.ts");
console.log([...folders()].join("\n"));
