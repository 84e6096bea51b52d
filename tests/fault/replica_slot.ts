/**
 * A replica's place in a run: the process in it comes and goes, its ports and
 * its way to the broker stay.
 *
 * @module
 */
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { Network } from "./network.ts";
import type { ReplicaLines } from "./replica_lines.ts";

/** How long a set may wait for its commit: shorter than the longer faults. */
const COMMIT_TIMEOUT_MS = 3_000;

/** How long a replica may take to drain, on a slow machine. */
const DRAIN_MAX_MS = 30_000;

/** Where the processes and the run's clock are told of. */
export interface SlotOptions {
  readonly index: number;
  readonly dataDir: string;
  readonly brokerPorts: readonly number[];
  /** The set listeners' ports of all replicas, by index. */
  readonly setPorts: readonly number[];
  /** More variables. */
  readonly env: Record<string, string>;
  /** Takes what ended processes have said. */
  readonly lines: ReplicaLines;
  /** Told of whatever no fault explains. */
  onSurprise(what: string): void;
}

/** A place for one replica. */
export class ReplicaSlot implements AsyncDisposable {
  readonly index: number;
  /** The only ways to the broker. */
  readonly network: Network;
  #process: ServiceProcess | undefined;
  /** Whether the process is being ended: then its end is no surprise. */
  #ending = false;

  /** The place is empty until `start`. */
  constructor(private readonly options: SlotOptions) {
    this.index = options.index;
    this.network = new Network(options.brokerPorts);
  }

  /** The process, once its listeners are up; undefined while there is none. */
  get service(): ServiceProcess | undefined {
    const up = this.#process?.lines.some(({ listener }) => listener === "get");
    return up ? this.#process : undefined;
  }

  /**
   * Starts a process without waiting for it.
   *
   * @param warm Whether it has peers to fill itself from.
   */
  start(warm: boolean): void {
    const { index, dataDir, setPorts, env, onSurprise } = this.options;
    const peers = setPorts.filter((_, i) => warm && i !== index)
      .map((port) => `http://127.0.0.1:${port}`);
    const process = ServiceProcess.spawn({
      dataDir,
      env: {
        ...env,
        NATS_URL: this.network.urls,
        REPLICA_ID: `r${index}`,
        SET_PORT: String(setPorts[index]),
        PEERS: peers.join(","),
        COMMIT_TIMEOUT_MS: String(COMMIT_TIMEOUT_MS),
      },
    });
    this.#ending = false;
    this.#process = process;
    process.status.then(({ code, signal }) => {
      if (this.#ending) return;
      this.#process = undefined;
      onSurprise(
        `replica ${index} ended by itself with ${signal ?? code}: ${
          process.lines.slice(-3).map(({ message }) => message).join(" / ")
        }`,
      );
    });
  }

  /**
   * Ends the process and waits until it is gone.
   *
   * @returns Whether there was one.
   */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<boolean> {
    const process = this.#process;
    if (process === undefined) return false;
    this.#ending = true;
    process.signal(signal);
    if (signal === "SIGTERM") await this.#watchDrain(process);
    await process.status;
    this.#process = undefined;
    this.options.lines.note(process.lines);
    return true;
  }

  /** Whatever the network does, a drain ends, and with status 0. */
  async #watchDrain(process: ServiceProcess): Promise<void> {
    const timer = setTimeout(() => {
      this.options.onSurprise(
        `replica ${this.index} did not drain within ${DRAIN_MAX_MS} ms`,
      );
      process.signal("SIGKILL");
    }, DRAIN_MAX_MS);
    const { code, signal } = await process.status;
    clearTimeout(timer);
    // A signal that comes before the process listens ends it at once.
    const early = signal === "SIGTERM" && process.lines.length === 0;
    if (code !== 0 && !early && signal !== "SIGKILL") {
      this.options.onSurprise(
        `replica ${this.index} drained with ${signal ?? code}`,
      );
    }
  }

  /**
   * Stops the process in its tracks, or lets it go on.
   *
   * @returns Whether there is one.
   */
  signal(signal: "SIGSTOP" | "SIGCONT"): boolean {
    this.#process?.signal(signal);
    return this.#process !== undefined;
  }

  /** Waits until both listeners are ready. */
  async untilReady(patience_ms: number): Promise<ServiceProcess> {
    return await eventually(async () => {
      const { service } = this;
      if (service === undefined) throw new Error(`no replica ${this.index}`);
      for (const listener of ["set", "get"] as const) {
        const probe = await fetch(`${service.url(listener)}/readyz`);
        const body = await probe.text();
        if (probe.status !== 200) {
          throw new Error(`replica ${this.index} is not ready: ${body}`);
        }
      }
      return service;
    }, patience_ms);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGCONT");
    await this.end("SIGKILL");
    await this.network[Symbol.asyncDispose]();
  }
}
