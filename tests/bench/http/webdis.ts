/**
 * webdis: Redis over HTTP.
 *
 * @module
 */
import { eventually } from "../../support/eventually.ts";
import { freePort, knock } from "../../support/ports.ts";
import { TemporaryFolder } from "../../support/temporary_folder.ts";
import { Program } from "./program.ts";

/**
 * Starts webdis with one thread.
 *
 * @param redisPort The port of its Redis.
 * @param resources Ends it.
 * @param wrapper Words before the command.
 * @returns Its URL.
 */
export async function startWebdis(
  redisPort: number,
  resources: AsyncDisposableStack,
  wrapper: readonly string[] = [],
): Promise<string> {
  const { path } = resources.use(new TemporaryFolder());
  const port = freePort();
  const file = `${path}/webdis.json`;
  Deno.writeTextFileSync(
    file,
    JSON.stringify({
      redis_host: "127.0.0.1",
      redis_port: redisPort,
      http_host: "127.0.0.1",
      http_port: port,
      threads: 1,
      daemonize: false,
      verbosity: 0,
      logfile: `${path}/log`,
    }),
  );
  const webdis = resources.use(new Program([...wrapper, "webdis", file]));
  await Promise.race([webdis.ended, eventually(() => knock(port))]);
  return `http://127.0.0.1:${port}`;
}
