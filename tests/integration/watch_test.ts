import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { EventSource } from "eventsource";
import { TestBrowser } from "../support/browser.ts";
import { AUTHORIZATION } from "../support/credentials.ts";
import { eventually } from "../support/eventually.ts";
import { EventStream } from "../support/event_stream.ts";
import { findProgram } from "../support/programs.ts";
import { ProxiedCluster } from "../support/proxied_cluster.ts";
import { head, RawClient } from "../support/raw_client.ts";
import type { ServiceProcess } from "../support/service_process.ts";

/** How long a stop may take beside clients that take nothing, or do not leave. */
const STOP_MAX_MS = 8_000;

/** One for all tests. */
let cluster: ProxiedCluster;

Deno.test.beforeAll(async () => {
  cluster = await ProxiedCluster.start();
});

Deno.test.afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

type Name = "a" | "b";

function replica(name: Name): ServiceProcess {
  return cluster.replicas.get(name)!;
}

/** Where watches go through the proxy. */
function proxyUrl(query = ""): string {
  return `${cluster.proxy.url("get")}/watch${query}`;
}

/** What a replica's metrics say, all lines that match added up. */
async function metric(name: Name, lines: RegExp): Promise<number> {
  const text = await (await replica(name).get("/metrics")).text();
  return text.matchAll(lines)
    .reduce((sum, [, count]) => sum + Number(count), 0);
}

/** How many watches each replica has ever had, those that go on too. */
async function watches(): Promise<Record<Name, number>> {
  const lines = /^usergrade_watche(?:rs|s_ended_total\{.*\}) (\d+)$/gm;
  return { a: await metric("a", lines), b: await metric("b", lines) };
}

/**
 * The replica that somebody watches since it was counted. Those who have left
 * may count for long: the proxy sees it only when there is something to tell.
 */
function watched(before: Record<Name, number>): Promise<Name> {
  return eventually(async () => {
    const now = await watches();
    for (const name of ["a", "b"] as const) {
      if (now[name] > before[name]) return name;
    }
    throw new Error("nobody watches");
  });
}

async function set(name: Name, body: unknown): Promise<number> {
  const response = await replica(name).set(body);
  assert.equal(response.status, 200, await response.text());
  return Number(response.headers.get("log-sequence"));
}

/** A set as its client knows it, or as a watcher was told of it. */
interface Seen {
  readonly user_id: string;
  readonly spp: number;
  readonly sequence: number;
}

/** How long a client that sets rests: without it, it takes the CPU of the others. */
const PAUSE_MS = 10;

/** Clients that set by one replica all the time, each a user of its own. */
class Setters {
  readonly acknowledged: Seen[] = [];
  #isStopped = false;
  #working: Promise<unknown>;

  constructor(private readonly name: Name, prefix: string) {
    this.#working = Promise.all(
      Array.from({ length: 8 }, (_, i) => this.#keepSetting(`${prefix}-${i}`)),
    );
  }

  async #keepSetting(user_id: string): Promise<void> {
    for (let spp = 1; !this.#isStopped; spp++) {
      const sequence = await set(this.name, { user_id, spp });
      this.acknowledged.push({ user_id, spp, sequence });
      await sleep(PAUSE_MS);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#working;
  }
}

/** Orders what was set as the log has it. */
function inOrder(seen: readonly Seen[]): Seen[] {
  return seen.toSorted((one, other) =>
    one.sequence - other.sequence || (one.user_id < other.user_id ? -1 : 1)
  );
}

/** A kept library's client, which comes back by itself. */
class LibraryClient implements Disposable {
  /** Whole entries. */
  readonly told: Seen[] = [];
  ends: string[] = [];
  opened = 0;
  #part: Omit<Seen, "sequence">[] = [];
  #lastId: string;
  readonly #source: EventSource;

  constructor(url: string, after: number) {
    this.#lastId = String(after);
    this.#source = new EventSource(url);
    this.#source.addEventListener("open", () => {
      this.opened++;
      // An entry that was cut off comes again as a whole.
      this.#part = [];
    });
    this.#source.addEventListener("set", ({ data, lastEventId }) => {
      const { user_id, spp } = JSON.parse(data);
      this.#part.push({ user_id, spp });
      if (lastEventId === this.#lastId) return;
      this.#lastId = lastEventId;
      const sequence = Number(lastEventId);
      this.told.push(...this.#part.map((one) => ({ ...one, sequence })));
      this.#part = [];
    });
    this.#source.addEventListener("end", ({ data }) => {
      this.ends.push(JSON.parse(data).reason);
    });
  }

  [Symbol.dispose](): void {
    this.#source.close();
  }
}

Deno.test("curl -N shows each change when it commits, through the proxy of docker-compose.yml", async () => {
  const curl = new Deno.Command(findProgram("curl")!, {
    args: ["-sN", "-H", "Accept-Encoding: gzip, br", proxyUrl("?user_id=curl")],
    stdout: "piped",
  }).spawn();
  const stream = new EventStream(curl.stdout);
  assert.match((await stream.block())![""]!, /^changes after sequence \d+$/);
  for (let spp = 1; spp <= 3; spp++) {
    const sequence = await set("a", { user_id: "curl", spp });
    const { data, id } = (await stream.event())!;
    assert.equal(JSON.parse(data!).spp, spp);
    assert.equal(id, String(sequence));
  }
  curl.kill();
  await stream.leave();
  await curl.status;
});

Deno.test("a client library that comes back at another replica, by a kill and by a stop, misses and repeats nothing under load", async () => {
  const before = await watches();
  const after = await set("a", { user_id: "begin" });
  using client = new LibraryClient(proxyUrl(`?after=${after}`), after);
  const name = await watched(before);
  const other = name === "a" ? "b" : "a";
  const setters = new Setters(other, "kill");
  await eventually(() => assert.ok(client.told.length > 200));
  await replica(name).end("SIGKILL");
  const told = client.told.length;
  await eventually(() => assert.ok(client.told.length > told + 200));
  assert.equal(client.opened, 2);
  await setters.stop();
  await cluster.startReplica(name);

  // Now it watches the other one, which stops while this one is written to.
  const more = new Setters(name, "stop");
  const stopped = replica(other).end("SIGTERM");
  await eventually(() => assert.deepEqual(client.ends, ["draining"]));
  assert.equal((await stopped).code, 0);
  const toldThen = client.told.length;
  await eventually(() => assert.ok(client.told.length > toldThen + 200));
  await more.stop();
  const expected = [...setters.acknowledged, ...more.acknowledged];
  await eventually(() => assert.ok(client.told.length >= expected.length));
  assert.deepEqual(inOrder(client.told), inOrder(expected));
  const sequences = client.told.map(({ sequence }) => sequence);
  assert.deepEqual(sequences, sequences.toSorted((a, b) => a - b));
  await cluster.startReplica(other);
});

Deno.test("a browser's EventSource is told of sets and deletions, and comes back by itself when a replica stops", async () => {
  const before = await watches();
  await using browser = await TestBrowser.start();
  const { page } = await browser.open(
    `${cluster.proxy.url("get")}/healthz`,
  );
  await page.evaluate(() => {
    const seen: string[] = [];
    const source = new EventSource("/watch?user_id=browser");
    for (const type of ["open", "set", "delete", "end"]) {
      source.addEventListener(type, (event) => {
        const { data = "", lastEventId = "" } = event as MessageEvent;
        const { user_id, spp, reason } = JSON.parse(data || "{}");
        seen.push(
          [type, user_id, spp, reason, type === "open" ? "" : lastEventId]
            .filter((one) => one !== undefined && one !== "").join(" "),
        );
      });
    }
    Object.assign(globalThis, { seen });
  });
  const expect = async (expected: readonly string[]) => {
    await eventually(async () => {
      const seen = await page.evaluate(() =>
        (globalThis as unknown as { seen: string[] }).seen
      );
      assert.deepEqual(seen, expected);
    });
  };
  const name = await watched(before);
  const other = name === "a" ? "b" : "a";
  await expect(["open"]);
  const first = await set(other, { user_id: "browser", spp: 1 });
  const seen = ["open", `set browser 1 ${first}`];
  await expect(seen);
  const stopped = replica(name).end("SIGTERM");
  seen.push(`end draining ${first}`);
  await expect(seen);
  const second = await set(other, { user_id: "browser", spp: 2 });
  seen.push("open", `set browser 2 ${second}`);
  await expect(seen);
  const deleted = await fetch(`${replica(other).url("set")}/delete`, {
    method: "POST",
    headers: { authorization: AUTHORIZATION },
    body: '{"user_id":"browser"}',
  });
  await deleted.body?.cancel();
  seen.push(`delete browser ${deleted.headers.get("log-sequence")}`);
  await expect(seen);
  assert.equal((await stopped).code, 0);
  await cluster.startReplica(name);
});

Deno.test("a client that does not read is left behind, goes on with its last id, and does not hold up a stop", async () => {
  const rows = 30_000;
  const url = replica("a").url("get");
  using slow = await RawClient.connect(url);
  await slow.send(head(`GET /watch`));
  const slowBefore = await slow.receive((text) => text.includes("id: "));
  const ids = Array.from({ length: rows }, (_, i) => `${i}`.padEnd(250, "x"));
  const imported = await fetch(`${replica("a").url("set")}/import`, {
    method: "POST",
    headers: { authorization: AUTHORIZATION },
    body: `user_id,spp\n${ids.map((id) => `${id},1\n`).join("")}`,
  });
  assert.equal((await imported.json()).rows, rows);
  const ended = /^usergrade_watches_ended_total\{reason="slow"\} (\d+)$/gm;
  await eventually(async () => assert.equal(await metric("a", ended), 1));
  const { text } = await slow.receive((text) =>
    text.slice(-1_000).includes("event: end")
  );
  assert.match(text, /event: end\ndata: \{"reason":"slow"/);
  const lastId = (slowBefore.text + text).matchAll(/^id: (\d+)$/gm).toArray()
    .at(-1)![1];
  const told = new Set(
    text.matchAll(/"user_id":"([^"]+)"/g).map(([, id]) => id),
  );
  assert.ok(told.size > 0 && told.size < rows, `${told.size} told`);

  const stream = EventStream.of(
    await fetch(`${url}/watch`, { headers: { "last-event-id": lastId } }),
  );
  // What an entry told before its id came is told again.
  while (told.size < rows) {
    told.add(JSON.parse((await stream.event())!.data!).user_id);
  }

  // One that takes nothing, and one that is told of the end.
  using stalled = await RawClient.connect(url);
  await stalled.send(head("GET /watch?after=0"));
  await sleep(500);
  const started = performance.now();
  const stopped = replica("a").end("SIGTERM");
  const end = (await stream.rest()).at(-1)!;
  assert.equal(end.event, "end");
  assert.equal(JSON.parse(end.data!).reason, "draining");
  assert.equal((await stopped).code, 0);
  const took = performance.now() - started;
  assert.ok(took < STOP_MAX_MS, `${took} ms`);
});
