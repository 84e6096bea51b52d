/**
 * The service as a real process, for tests.
 *
 * @module
 */
import { AUTHORIZATION, PASSWORD, USER } from "./credentials.ts";
import { eventually } from "./eventually.ts";
import { TextLineStream } from "./text_lines.ts";
import { ROOT, startArguments } from "./start_command.ts";

/** How long a service may take, on a busy machine, to say what a test waits for. */
const PATIENCE_MS = 60_000;

/** A line of the service's log. */
export type LogLine = Record<string, unknown> & { message: string };

/** How a service is started. */
export interface ServiceOptions {
  /** The folder of its log. */
  dataDir: string;
  /** More variables, or others. */
  env?: Record<string, string>;
  /** What runs in place of `deno`, with `deno` as its first argument. */
  wrapper?: string[];
  /** A compiled service that runs in place of the sources. */
  executable?: string;
  /** The top folder of other sources than these. */
  sources?: string;
}

/** One service, running until it is stopped, killed or disposed of. */
export class ServiceProcess implements AsyncDisposable {
  /** Log lines so far; what is not JSON is a line with a message only. */
  readonly lines: LogLine[] = [];
  /** Resolves at the end of the process. */
  readonly status: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #stderrRead: Promise<void>;
  /** Whether the log has no more lines. */
  #ended = false;
  #changed = Promise.withResolvers<void>();

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.status = child.status;
    this.#stderrRead = this.#readLog();
  }

  /** Starts a service without waiting for anything. */
  static spawn(
    { dataDir, env = {}, wrapper = [], executable, sources = ROOT }:
      ServiceOptions,
  ): ServiceProcess {
    const folders = [dataDir, env.SNAPSHOT_DIR ?? ""].filter(Boolean);
    const [command, ...args] = [
      ...wrapper,
      ...(executable === undefined
        ? [
          Deno.execPath(),
          ...startArguments(...folders).toSpliced(
            1,
            0,
            `--config=${ROOT}deno.json`,
          ),
        ]
        : [executable]),
    ];
    const child = new Deno.Command(command, {
      args,
      // An executable has to find all that it needs in itself.
      cwd: executable === undefined ? sources : dataDir,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      env: {
        SET_PORT: "0",
        GET_PORT: "0",
        AUTH_USER: USER,
        AUTH_PASSWORD: PASSWORD,
        DATA_DIR: dataDir,
        LOG_FORMAT: "json",
        ...env,
      },
    }).spawn();
    return new ServiceProcess(child);
  }

  /** Starts a service and waits until both listeners are ready. */
  static async start(options: ServiceOptions): Promise<ServiceProcess> {
    const service = ServiceProcess.spawn(options);
    await service.started();
    return service;
  }

  /**
   * Waits until both listeners are ready; ends the process if they never are.
   *
   * @param patience_ms How long that may take.
   */
  async started(patience_ms = PATIENCE_MS): Promise<void> {
    try {
      await this.line(({ state }) => state === "ready", patience_ms);
      await this.untilReady("set");
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #readLog(): Promise<void> {
    const lines = this.#child.stderr
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const line of lines) {
      this.lines.push(
        line.startsWith("{") ? JSON.parse(line) : { message: line },
      );
      this.#change();
    }
    this.#ended = true;
    this.#change();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Waits for a log line; rejects, with the log, if the process ends first. */
  async line(
    wanted: (line: LogLine) => boolean,
    patience_ms = PATIENCE_MS,
  ): Promise<LogLine> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#change();
    }, patience_ms);
    try {
      for (;;) {
        const found = this.lines.find(wanted);
        if (found !== undefined) return found;
        if (late || this.#ended) {
          throw new Error(
            `the service never said so; its log:\n${
              this.lines.map(({ message }) => message).join("\n")
            }`,
          );
        }
        await this.#changed.promise;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** The base URL of a listener. */
  url(listener: "set" | "get"): string {
    const line = this.lines.find((one) => one.listener === listener);
    if (line === undefined) throw new Error(`no ${listener} listener yet`);
    return String(line.url);
  }

  /** Waits until a listener says that it can do its work. */
  async untilReady(listener: "set" | "get"): Promise<void> {
    await eventually(async () => {
      const response = await fetch(`${this.url(listener)}/readyz`);
      const body = await response.text();
      if (response.status !== 200) throw new Error(body);
    });
  }

  /** Sends a set with the right credentials; `body` as it is if a string. */
  set(body: unknown, init: RequestInit = {}): Promise<Response> {
    return this.#post("/set", body, init);
  }

  /** Deletes a user, or several, with the right credentials. */
  delete(body: unknown, init: RequestInit = {}): Promise<Response> {
    return this.#post("/delete", body, init);
  }

  #post(
    path: string,
    body: unknown,
    init: RequestInit = {},
  ): Promise<Response> {
    return fetch(this.url("set") + path, {
      method: "POST",
      body: typeof body === "string" || body instanceof Uint8Array
        ? body as BodyInit
        : JSON.stringify(body),
      ...init,
      headers: { authorization: AUTHORIZATION, ...init.headers },
    });
  }

  /** Downloads a backup with the right credentials. */
  backup(): Promise<Response> {
    return fetch(`${this.url("set")}/backup`, {
      headers: { authorization: AUTHORIZATION },
    });
  }

  /** Asks for a snapshot with the right credentials. */
  snapshot(): Promise<Response> {
    return fetch(`${this.url("set")}/snapshot`, {
      method: "POST",
      headers: { authorization: AUTHORIZATION },
    });
  }

  /** Asks the get listener for a path. */
  get(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.url("get")}${path}`, init);
  }

  /** The answer of `/status`. */
  // deno-lint-ignore no-explicit-any -- tests compare it with the contract
  async statusJson(): Promise<any> {
    return await (await this.get("/status")).json();
  }

  /** Sends a signal and waits for the process to end. */
  async end(signal: Deno.Signal): Promise<Deno.CommandStatus> {
    this.#child.kill(signal);
    return await this.status;
  }

  /** Sends a signal, and does not wait. */
  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** How often it could propose to the log over a new connection. */
  get connections(): number {
    return this.lines.filter(({ message }) =>
      message.startsWith("The log can be proposed to")
    ).length;
  }

  /** The process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Kills the process if it still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.status;
    await this.#stderrRead;
  }
}
