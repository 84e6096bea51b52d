/**
 * etcd over HTTP: its gateway of JSON, which calls etcd's own gRPC. Each set is
 * synced before it is answered.
 *
 * @module
 */
import { eventually } from "../../support/eventually.ts";
import { freePort } from "../../support/ports.ts";
import { TemporaryFolder } from "../../support/temporary_folder.ts";
import { isInstalled } from "../http/command.ts";
import { withCpuTime } from "../http/cpu_time.ts";
import type { UserGrade } from "../../../src/user_grade.ts";
import type { LoadGenerator } from "../http/load.ts";
import { Program } from "../http/program.ts";
import { etcdPut } from "../http/requests.ts";
import { preload } from "../http/service_side.ts";
import type { CaseName, PeerKind, PeerMeasure, PeerSide } from "./side.ts";

/** A single etcd server. Its memory is not told: it keeps the records on disk. */
export const ETCD: PeerKind = {
  name: "etcd over HTTP",
  isOfAnother: true,
  missing: async () =>
    await isInstalled("etcd")
      ? undefined
      : "etcd over HTTP is left out: etcd is not on the PATH",
  start: async () => {
    const folder = new TemporaryFolder();
    const client = `http://127.0.0.1:${freePort()}`;
    const peer = `http://127.0.0.1:${freePort()}`;
    const program = new Program([
      "etcd",
      ...["--data-dir", folder.path, "--log-level", "error"],
      ...["--listen-client-urls", client, "--advertise-client-urls", client],
      ...["--listen-peer-urls", peer],
      ...["--initial-advertise-peer-urls", peer],
      ...["--initial-cluster", `default=${peer}`],
    ]);
    const healthy = eventually(async () => {
      const { health } = await (await fetch(`${client}/health`)).json();
      if (health !== "true") throw new Error("etcd is not healthy");
    });
    await Promise.race([program.ended, healthy]);
    return new EtcdPeer(folder, program, client);
  },
};

class EtcdPeer implements PeerSide {
  constructor(
    private readonly folder: TemporaryFolder,
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
        fetch(`${this.url}/v3/kv/put`, {
          method: "POST",
          body: etcdPut(grade as UserGrade),
        }),
    });
    const measure =
      (kind: "etcd get" | "etcd set", connections: number): PeerMeasure =>
      (seconds, signal) => {
        const load = { url: this.url, kind, connections, seconds };
        return withCpuTime(this.pid, () => generator.generate(load, signal));
      };
    return new Map([
      ["gets, 64 connections", measure("etcd get", 64)],
      ["durable sets, 64 connections", measure("etcd set", 64)],
      ["durable sets, 1 connection", measure("etcd set", 1)],
    ]);
  }

  fill(): Promise<void> {
    throw new Error("Cannot fill etcd: its memory is not told");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }
}
