/**
 * A real nats-server with JetStream, for tests.
 *
 * @module
 */
import { eventually } from "./eventually.ts";
import { freePort, knock } from "./ports.ts";
import { findProgram } from "./programs.ts";
import { TemporaryFolder } from "./temporary_folder.ts";

const binary = findProgram("nats-server");

/** A server on a port of its own, with a store that survives its end. */
export class NatsServer implements AsyncDisposable {
  readonly #folder: TemporaryFolder;
  #child: Deno.ChildProcess | undefined;
  #stderr: Promise<string> = Promise.resolve("");

  private constructor(
    /** The port on 127.0.0.1. */
    readonly port: number,
    private configuration: string,
    private readonly env: Readonly<Record<string, string>> = {},
    folder?: TemporaryFolder,
  ) {
    this.#folder = folder ?? new TemporaryFolder();
    this.configure(configuration);
  }

  /** Where it answers questions about itself, if its configuration says so. */
  monitorUrl(): string {
    const log = Deno.readTextFileSync(`${this.#folder.path}/log`);
    // A line for each of its starts.
    const line = [...log.matchAll(/Starting http monitor on (\S+)/g)].at(-1);
    if (line === undefined) throw new Error("it has no monitor");
    return `http://${line[1]}`;
  }

  /** Writes its configuration, for when it starts the next time. */
  configure(configuration: string): void {
    this.configuration = configuration;
    // Never reachable from elsewhere, whatever a test configures.
    Deno.writeTextFileSync(
      this.configFile,
      `host: 127.0.0.1\nport: ${this.port}\n${
        configuration.replace("STORE", `${this.#folder.path}/store`)
      }\n`,
    );
  }

  /** The path of its configuration. */
  get configFile(): string {
    return `${this.#folder.path}/nats-${this.port}.conf`;
  }

  /** The URL that clients use. */
  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /**
   * Starts a server.
   *
   * @param configuration Lines for its configuration file.
   * @param jetstream Whether the lines leave JetStream's own to the server,
   * or are whole, with `STORE` for the path of the store.
   * @param env Variables that the lines name.
   */
  static async start(
    configuration = "",
    jetstream: "default" | "whole" = "default",
    env: Readonly<Record<string, string>> = {},
  ): Promise<NatsServer> {
    const lines = jetstream === "whole"
      ? configuration
      : `jetstream { store_dir: "STORE" }\n${configuration}`;
    const server = new NatsServer(freePort(), lines, env);
    await server.start();
    return server;
  }

  /** Starts it again on the same port and store. */
  async start(): Promise<void> {
    if (binary === undefined) throw new Error("no nats-server is here");
    this.#child = new Deno.Command(binary, {
      args: ["-c", this.configFile, "-l", `${this.#folder.path}/log`],
      env: this.env,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#stderr = new Response(this.#child.stderr).text();
    const ended = this.#child.status.then(async () => {
      throw new Error(`nats-server has ended:\n${await this.#lastWords()}`);
    });
    ended.catch(() => {});
    await Promise.race([ended, eventually(() => knock(this.port), 10_000)]);
  }

  async #lastWords(): Promise<string> {
    const log = Deno.readTextFile(`${this.#folder.path}/log`).catch(() => "");
    return await this.#stderr + await log;
  }

  /** Starts another server on the store of this one, which is stopped. */
  async elsewhere(): Promise<NatsServer> {
    const other = new NatsServer(
      freePort(),
      this.configuration,
      this.env,
      this.#folder,
    );
    await other.start();
    return other;
  }

  /** The process id. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Lets it read its configuration again. */
  async reload(configuration: string): Promise<void> {
    const before = this.#reloads();
    this.configure(configuration);
    this.signal("SIGHUP");
    await eventually(() => {
      if (this.#reloads() === before) throw new Error("it has not reloaded");
    });
  }

  #reloads(): number {
    const log = Deno.readTextFileSync(`${this.#folder.path}/log`);
    return log.split("Reloaded server configuration").length;
  }

  /**
   * Makes its disk full, or no more: no file can grow beyond some bytes.
   * Needs no privileges, and works on any file system.
   */
  async fillDisk(isFull: boolean): Promise<void> {
    const { code } = await new Deno.Command("prlimit", {
      args: [
        `--pid=${this.pid}`,
        `--fsize=${isFull ? "1" : "unlimited"}:unlimited`,
      ],
    }).output();
    if (code !== 0) throw new Error("Cannot limit the broker's files");
  }

  /** Puts its store aside, while it is stopped, or back in its place. */
  moveStore(direction: "aside" | "back"): void {
    const store = `${this.#folder.path}/store`;
    if (direction === "aside") Deno.renameSync(store, `${store}.aside`);
    else {
      Deno.removeSync(store, { recursive: true });
      Deno.renameSync(`${store}.aside`, store);
    }
  }

  /** Sends it a signal. */
  signal(signal: Deno.Signal): void {
    this.#child?.kill(signal);
  }

  /** Stops all its threads, until it gets SIGCONT. */
  async pause(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    child.kill("SIGSTOP");
    // A thread that runs on another core stops a little later.
    await eventually(async () => {
      const { stdout } = await new Deno.Command("ps", {
        args: ["-L", "-o", "stat=", "-p", String(child.pid)],
      }).output();
      const states = new TextDecoder().decode(stdout).trim().split("\n");
      if (!states.every((state) => state.startsWith("T"))) {
        throw new Error(`nats-server still runs: ${states}`);
      }
    });
  }

  /** Ends it and waits until it is gone. */
  async stop(signal: Deno.Signal = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    child.kill(signal);
    await child.status;
    await this.#stderr;
  }

  /** Takes its store away, while it is stopped. */
  loseStore(): void {
    Deno.removeSync(`${this.#folder.path}/store`, { recursive: true });
  }

  /** Stops, keeps a copy of its store, and starts again. */
  async saveStore(): Promise<void> {
    await this.stop("SIGTERM");
    await this.copyStore("save");
    await this.start();
  }

  /** Keeps a copy of its store, while it is stopped, or puts it back, or swaps both. */
  async copyStore(direction: "save" | "put back" | "swap"): Promise<void> {
    const store = `${this.#folder.path}/store`;
    if (direction === "swap") {
      Deno.renameSync(store, `${store}.aside`);
      Deno.renameSync(`${store}.saved`, store);
      Deno.renameSync(`${store}.aside`, `${store}.saved`);
      return;
    }
    const [from, to] = direction === "save"
      ? [store, `${store}.saved`]
      : [`${store}.saved`, store];
    await new Deno.Command("rm", { args: ["-rf", to] }).output();
    await new Deno.Command("cp", { args: ["-a", from, to] }).output();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGCONT");
    await this.stop();
    this.#folder[Symbol.dispose]();
  }
}

/** @returns Whether the servers here are of version 2.10 or newer. */
export function areServersNew(): boolean {
  const { stdout } = new Deno.Command(
    binary ?? "nats-server",
    { args: ["--version"] },
  ).outputSync();
  const [, minor] = /v2\.(\d+)/.exec(new TextDecoder().decode(stdout)) ?? [];
  return Number(minor) >= 10;
}
