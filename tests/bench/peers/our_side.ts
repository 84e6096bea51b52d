/**
 * UserGrade as a side: standalone, each entry synced.
 *
 * @module
 */
import { AUTHORIZATION } from "../../support/credentials.ts";
import type { ServiceProcess } from "../../support/service_process.ts";
import { TemporaryFolder } from "../../support/temporary_folder.ts";
import { withCpuTime } from "../http/cpu_time.ts";
import type { LoadGenerator } from "../http/load.ts";
import { preload, startEmptyService } from "../http/service_side.ts";
import type { CaseName, PeerKind, PeerMeasure, PeerSide } from "./side.ts";

/** How many rows of an import are made at a time. */
const ROWS = 10_000;

/** The service as it ships. */
export const OURS: PeerKind = {
  name: "UserGrade",
  isOfAnother: false,
  missing: () => Promise.resolve(undefined),
  start: async () => {
    const folder = new TemporaryFolder();
    return new OurPeer(
      folder,
      await startEmptyService(folder.path, undefined, []),
    );
  },
};

class OurPeer implements PeerSide {
  constructor(
    private readonly folder: TemporaryFolder,
    private readonly service: ServiceProcess,
  ) {}

  get pid(): number {
    return this.service.pid;
  }

  async prepare(
    generator: LoadGenerator,
  ): Promise<Map<CaseName, PeerMeasure>> {
    const { service } = this;
    await preload(service);
    const measure =
      (kind: "get" | "set", connections: number): PeerMeasure =>
      (seconds, signal) => {
        const url = service.url(kind);
        const load = { url, kind, connections, seconds };
        return withCpuTime(
          service.pid,
          () => generator.generate(load, signal),
        );
      };
    return new Map([
      ["gets, 64 connections", measure("get", 64)],
      ["durable sets, 64 connections", measure("set", 64)],
      ["durable sets, 1 connection", measure("set", 1)],
    ]);
  }

  fill(users: number): Promise<void> {
    return fill(this.service, users);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }
}

/** Stores `user-0` up to so many users by an import. */
export async function fill(
  service: ServiceProcess,
  users: number,
): Promise<void> {
  const response = await fetch(`${service.url("set")}/import`, {
    method: "POST",
    headers: { authorization: AUTHORIZATION },
    body: ReadableStream.from(csv(users)).pipeThrough(new TextEncoderStream()),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`Cannot fill UserGrade: ${text}`);
}

function* csv(users: number): Generator<string> {
  yield "user_id,postpaid_limit,spp,shipping_fee,return_fee\n";
  for (let first = 0; first < users; first += ROWS) {
    const rows: string[] = [];
    for (let i = first; i < Math.min(first + ROWS, users); i++) {
      rows.push(`user-${i},${i},${i % 100},${i % 1000},${i % 999}\n`);
    }
    yield rows.join("");
  }
}
