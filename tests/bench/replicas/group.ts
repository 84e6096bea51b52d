/**
 * Several replicas on one machine behind HAProxy, with a broker of their own.
 *
 * @module
 */
import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { freePort, knock } from "../../support/ports.ts";
import { residentMb } from "../../support/process_usage.ts";
import type { ServiceProcess } from "../../support/service_process.ts";
import { TemporaryFolder } from "../../support/temporary_folder.ts";
import { Broker } from "../http/broker.ts";
import { cpuTime_us } from "../http/cpu_time.ts";
import type { Figures } from "../http/figures.ts";
import type { LoadGenerator } from "../http/load.ts";
import { Program } from "../http/program.ts";
import { preload, startEmptyService } from "../http/service_side.ts";
import { fill } from "../peers/our_side.ts";

/** How many connections send requests. */
const CONNECTIONS = 64;

/** What load gets, by the way that it takes. */
export interface GroupFigures
  extends Pick<Figures, "per_s" | "p50_ms" | "p99_ms"> {
  /** Processor time of all replicas for each answer. */
  readonly replicas_us: number | undefined;
  /** That of the proxy. */
  readonly proxy_us: number | undefined;
}

/** Replicas that run until they are disposed of. */
export class ReplicaGroup implements AsyncDisposable {
  private constructor(
    private readonly replicas: readonly ServiceProcess[],
    private readonly proxy: Program,
    private readonly ports: Readonly<Record<"get" | "set", number>>,
    private readonly resources: AsyncDisposableStack,
  ) {}

  /**
   * @param count How many replicas.
   * @param programs The paths of the others.
   */
  static async start(
    count: number,
    { natsServer, haproxy }: Record<"natsServer" | "haproxy", string>,
  ): Promise<ReplicaGroup> {
    await using resources = new AsyncDisposableStack();
    const { url } = resources.use(
      await Broker.start({
        binary: natsServer,
        sync: "at its leisure",
        wrapper: [],
      }),
    );
    const replicas: ServiceProcess[] = [];
    for (let i = 0; i < count; i++) {
      const { path } = resources.use(new TemporaryFolder());
      replicas.push(resources.use(await startEmptyService(path, url, [])));
    }
    const ports = { get: freePort(), set: freePort() };
    const { path } = resources.use(new TemporaryFolder());
    const file = `${path}/haproxy.cfg`;
    Deno.writeTextFileSync(file, configuration(replicas, ports));
    const proxy = resources.use(new Program([haproxy, "-db", "-f", file]));
    await Promise.race([proxy.ended, eventually(() => knock(ports.get))]);
    return new ReplicaGroup(replicas, proxy, ports, resources.move());
  }

  /** The memory of all replicas, in MB. */
  get memory_MB(): number {
    return this.replicas.reduce((sum, { pid }) => sum + residentMb(pid), 0);
  }

  /** Stores so many users, those of the load among them, in all replicas. */
  async fill(users: number): Promise<void> {
    const [first, ...others] = this.replicas;
    await fill(first, users);
    await preload(first);
    const { users: stored } = await first.statusJson();
    for (const other of others) {
      await eventually(async () =>
        assert.equal((await other.statusJson()).users, stored)
      );
    }
  }

  /**
   * @param kind What is asked for.
   * @param way Through the proxy, or of the first replica.
   */
  async measure(
    kind: "get" | "set",
    way: "proxy" | "direct",
    seconds: number,
    generator: LoadGenerator,
    signal: AbortSignal,
  ): Promise<GroupFigures> {
    const url = way === "proxy"
      ? `http://127.0.0.1:${this.ports[kind]}`
      : this.replicas[0].url(kind);
    const replicas = this.replicas.map(({ pid }) => pid);
    const before = [await sum_us(replicas), await sum_us([this.proxy.pid])];
    const load = { url, kind, connections: CONNECTIONS, seconds };
    const figures = await generator.generate(load, signal);
    const after = [await sum_us(replicas), await sum_us([this.proxy.pid])];
    const [replicas_us, proxy_us] = after.map((time, i) =>
      time === undefined ? undefined : (time - before[i]!) / figures.answers
    );
    const { per_s, p50_ms, p99_ms } = figures;
    return { per_s, p50_ms, p99_ms, replicas_us, proxy_us };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources.disposeAsync();
  }
}

/** The processor time of some processes; undefined where it is not told. */
async function sum_us(pids: readonly number[]): Promise<number | undefined> {
  const times = await Promise.all(pids.map(cpuTime_us));
  return times.reduce((sum, time) =>
    sum === undefined || time === undefined ? undefined : sum + time
  );
}

/** The least that sends each request to the next replica in turn. */
function configuration(
  replicas: readonly ServiceProcess[],
  ports: Readonly<Record<"get" | "set", number>>,
): string {
  const listeners = (["get", "set"] as const).map((listener) => {
    const servers = replicas.map((replica, i) =>
      `  server r${i} ${new URL(replica.url(listener)).host}\n`
    );
    return `listen ${listener}
  bind 127.0.0.1:${ports[listener]}
  balance roundrobin
${servers.join("")}`;
  });
  return `global
  nbthread 1
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  http-reuse always
${listeners.join("")}`;
}
