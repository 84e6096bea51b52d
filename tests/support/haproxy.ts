/**
 * A real HAProxy with the configuration of docker-compose.yml, for tests.
 *
 * @module
 */
import { eventually } from "./eventually.ts";
import { configContent, readComposeFile } from "./compose_file.ts";
import { freePort } from "./ports.ts";
import { findProgram } from "./programs.ts";
import { TemporaryFolder } from "./temporary_folder.ts";

/** Where the replicas are that stand for those of the file. */
export interface ProxiedReplica {
  readonly setPort: number;
  readonly getPort: number;
}

/** A proxy before two replicas, on ports of its own. */
export class HAProxy implements AsyncDisposable {
  readonly #folder = new TemporaryFolder();
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<string>;
  readonly #ports = { set: freePort(), get: freePort() };

  private constructor(replicas: Record<"a" | "b", ProxiedReplica>) {
    const compose = readComposeFile();
    let content = configContent(compose, "proxy")
      .replace(/^( *bind) :8000$/m, `$1 127.0.0.1:${this.#ports.set}`)
      .replace(/^( *bind) :8001$/m, `$1 127.0.0.1:${this.#ports.get}`);
    for (const name of ["a", "b"] as const) {
      content = content
        .replace(`replica-${name}:8080`, `127.0.0.1:${replicas[name].setPort}`)
        .replace(`replica-${name}:8081`, `127.0.0.1:${replicas[name].getPort}`);
    }
    const [, ...args] = compose.services.proxy.command;
    const file = args[args.indexOf("-f") + 1];
    const path = `${this.#folder.path}/haproxy.cfg`;
    Deno.writeTextFileSync(path, content);
    this.#child = new Deno.Command(findProgram("haproxy")!, {
      args: args.map((one) => one === file ? path : one),
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#output = new Response(this.#child.stderr).text();
  }

  /** Starts a proxy and waits until it answers. */
  static async start(
    replicas: Record<"a" | "b", ProxiedReplica>,
  ): Promise<HAProxy> {
    const proxy = new HAProxy(replicas);
    const ended = proxy.#child.status.then(async () => {
      throw new Error(`haproxy has ended:\n${await proxy.#output}`);
    });
    ended.catch(() => {});
    await Promise.race([
      ended,
      eventually(async () => {
        const response = await fetch(`${proxy.url("get")}/healthz`);
        await response.body?.cancel();
        if (response.status !== 200) throw new Error(String(response.status));
      }, 10_000),
    ]);
    return proxy;
  }

  /** The base URL by which a listener is reached. */
  url(listener: "set" | "get"): string {
    return `http://127.0.0.1:${this.#ports[listener]}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#output;
    this.#folder[Symbol.dispose]();
  }
}
