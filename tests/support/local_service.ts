/**
 * The service without a process, sockets and a broker: the apps of both
 * listeners, as functions, over a real replica whose log is in memory.
 *
 * @module
 */
import { Apps, type AppsOptions } from "../../src/apps.ts";
import { Cluster } from "../../src/cluster/cluster.ts";
import { LoopLag } from "../../src/telemetry/loop_lag.ts";
import { AUTHORIZATION, PASSWORD, USER } from "./credentials.ts";
import { LOCAL_TIMEOUT_MS, LocalLog } from "./local_log.ts";
import { LocalSnapshots } from "./local_snapshots.ts";

/** How a service is made. */
export interface LocalServiceOptions
  extends Partial<Pick<AppsOptions, "bodyBytesMax" | "isReadOnly">> {
  /** Whether the replica knows its log already; if not, it is starting. */
  isOpen?: boolean;
  /** Whether it is one of a cluster, whose others are heard by hand. */
  isReplicated?: boolean;
}

/** What a request sends; a stream has no length that is known before. */
type Body = string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;

/** What is sent besides the path. */
export interface LocalRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: Body;
}

/** One service. */
export class LocalService {
  /** How far its clock is ahead: much, so that its time is no uptime. */
  #ahead_ms = 1_000_000;
  readonly log: LocalLog;
  readonly cluster: Cluster;
  readonly snapshots: LocalSnapshots;
  /** How the log was made whole; set by hand. */
  readonly healing = { seen: 0, lost: 0 };
  readonly loopLag = new LoopLag(100);
  readonly apps: Apps;

  constructor(
    {
      isOpen = true,
      isReplicated = false,
      bodyBytesMax = 2 ** 18,
      isReadOnly = false,
    }: LocalServiceOptions = {},
  ) {
    const now = () => this.now();
    const identity = {
      replicaId: "me",
      version: "1.0.0",
      mode: isReplicated ? "replicated" : "standalone",
      started_ms: now(),
      session: "0".repeat(32),
    } as const;
    this.log = new LocalLog(isOpen, now);
    this.cluster = new Cluster(identity, this.log.proposer, {
      sendHeartbeat: isReplicated ? () => {} : undefined,
      heard: () => {},
    });
    this.snapshots = new LocalSnapshots(this.log.proposer);
    this.apps = new Apps({
      host: "127.0.0.1",
      tls: undefined,
      setPort: 8080,
      getPort: 8081,
      credentials: { user: USER, passwords: [PASSWORD] },
      bodyBytesMax,
      commitTimeout_ms: LOCAL_TIMEOUT_MS,
      isReadOnly,
      identity,
      replica: this.log.proposer,
      cluster: this.cluster,
      snapshots: this.snapshots,
      healing: this.healing,
      logFilesBytes: () => 4096,
      loopLag: this.loopLag,
      listeners: { openFiles: 20, openFilesMax: 8192, timesShed: 0 },
      logLines: { lost: 0 },
      now,
    });
  }

  /** The service's time in milliseconds. */
  now(): number {
    return performance.now() + this.#ahead_ms;
  }

  /** Lets some time pass, and everything that is due then happen. */
  pass(ms: number): void {
    // Bodies get their deadlines from the first tick that sees them.
    this.#tick();
    this.#ahead_ms += ms;
    this.#tick();
  }

  #tick(): void {
    this.log.proposer.tick();
    this.cluster.tick(this.now());
    this.apps.tick();
  }

  /**
   * Sends a request to a listener, as the runtime hands it over.
   *
   * @param path Of the URL, with its query.
   */
  async send(
    listener: "set" | "get",
    path: string,
    { method = "GET", headers = {}, body }: LocalRequest = {},
  ): Promise<Response> {
    const length = typeof body === "string"
      ? new TextEncoder().encode(body).length
      : body instanceof Uint8Array
      ? body.length
      : undefined;
    const response = await this.apps[listener](
      new Request(`http://localhost${path}`, {
        method,
        headers: {
          host: "localhost",
          ...(length !== undefined && { "content-length": `${length}` }),
          ...headers,
        },
        ...(body !== undefined && { body }),
      }),
    );
    if (method !== "HEAD") return response;
    // The runtime sends the head alone.
    await response.body?.cancel();
    return new Response(null, response);
  }

  /** Asks the set listener with the right credentials: a POST if there is a body. */
  ask(path: string, init: LocalRequest = {}): Promise<Response> {
    return this.send("set", path, {
      method: init.body === undefined ? "GET" : "POST",
      ...init,
      headers: { authorization: AUTHORIZATION, ...init.headers },
    });
  }

  /** Sends a set with the right credentials; `body` as it is, or as JSON. */
  set(body: unknown, init: LocalRequest = {}): Promise<Response> {
    return this.ask("/set", {
      body: isBody(body) ? body : JSON.stringify(body),
      ...init,
    });
  }

  /** Sends a deletion, or an array of them, with the right credentials. */
  delete(body: unknown): Promise<Response> {
    return this.ask("/delete", { body: JSON.stringify(body) });
  }

  /** Sends a file to import with the right credentials. */
  import(body: Body): Promise<Response> {
    return this.ask("/import", { body });
  }

  /** Asks the get listener. */
  get(path: string, init?: LocalRequest): Promise<Response> {
    return this.send("get", path, init);
  }

  /** The answer of `/status`. */
  // deno-lint-ignore no-explicit-any -- tests compare it with the contract
  async statusJson(): Promise<any> {
    return await (await this.get("/status")).json();
  }
}

function isBody(value: unknown): value is Body {
  return typeof value === "string" || value instanceof Uint8Array ||
    value instanceof ReadableStream;
}
