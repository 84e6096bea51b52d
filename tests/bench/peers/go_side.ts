/**
 * Go's `net/http` with a map and a lock, built here where `go` is.
 *
 * @module
 */
import { TemporaryFolder } from "../../support/temporary_folder.ts";
import { isInstalled, output } from "../http/command.ts";
import { withCpuTime } from "../http/cpu_time.ts";
import type { LoadGenerator } from "../http/load.ts";
import { Program } from "../http/program.ts";
import { preload } from "../http/service_side.ts";
import type { CaseName, PeerKind, PeerMeasure, PeerSide } from "./side.ts";

/** The server of `server.go`. */
export class GoKind implements PeerKind, Disposable {
  readonly name = "Go net/http";
  readonly isOfAnother = false;
  readonly #folder = new TemporaryFolder();
  #binary: string | undefined;

  async missing(): Promise<string | undefined> {
    return await isInstalled("go")
      ? undefined
      : "Go net/http is left out: go is not on the PATH";
  }

  async start(): Promise<PeerSide> {
    const program = new Program([await this.#build()]);
    return new GoPeer(program, (await program.said()).trim());
  }

  /** Builds it beforehand, which is no part of its start. */
  async #build(): Promise<string> {
    if (this.#binary !== undefined) return this.#binary;
    const binary = `${this.#folder.path}/server`;
    const source = new URL("server.go", import.meta.url).pathname;
    await output(["go", "build", "-o", binary, source]);
    return this.#binary = binary;
  }

  /** Builds it now. */
  async prepare(): Promise<void> {
    await this.#build();
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

class GoPeer implements PeerSide {
  constructor(
    private readonly program: Program,
    private readonly url: string,
  ) {}

  get pid(): number {
    return this.program.pid;
  }

  async prepare(
    generator: LoadGenerator,
  ): Promise<Map<CaseName, PeerMeasure>> {
    await preload({
      set: (grade) =>
        fetch(`${this.url}/set`, {
          method: "POST",
          body: JSON.stringify(grade),
        }),
    });
    const measure = (kind: "get" | "set"): PeerMeasure => (seconds, signal) => {
      const load = { url: this.url, kind, connections: 64, seconds };
      return withCpuTime(this.pid, () => generator.generate(load, signal));
    };
    return new Map([
      ["gets, 64 connections", measure("get")],
      ["sets in memory, 64 connections", measure("set")],
    ]);
  }

  async fill(users: number): Promise<void> {
    await (await fetch(`${this.url}/fill?users=${users}`)).text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}
