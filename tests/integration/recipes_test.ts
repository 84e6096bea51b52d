import assert from "node:assert/strict";
import { connect } from "nats";
import { backupHeader } from "../../src/snapshot/format/backup_info.ts";
import { formatGzipHeader } from "../../src/snapshot/format/gzip_header.ts";
import { PASSWORD, USER } from "../support/credentials.ts";
import { eventually } from "../support/eventually.ts";
import { EventStream } from "../support/event_stream.ts";
import { areServersNew, NatsServer } from "../support/nats_server.ts";
import { type Listeners, PatientClients } from "../support/patient_clients.ts";
import { freePort } from "../support/ports.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { bring, PASTS } from "../support/two_histories.ts";
import {
  commandsBelow,
  type Replacements,
  runWritten,
  withNats,
} from "../support/written_commands.ts";

const OPERATIONS = "src/OPERATIONS.md";

/** The backup in the document. */
const FILE = "usergrades-20261123T225001Z-120.csv.gz";

/** The user of the clients: in each backup, and never set while they work. */
const KEPT = { user_id: "kept", spp: 7 };

/** Where one replica listens, at each of its starts. */
class Place implements Listeners {
  readonly ports = { set: freePort(), get: freePort() };
  readonly set = `http://127.0.0.1:${this.ports.set}`;
  readonly get = `http://127.0.0.1:${this.ports.get}`;
  process: ServiceProcess | undefined;

  constructor(readonly id: string) {}
}

/** A broker, places of replicas, and a folder for backups: an operator's world. */
class World implements AsyncDisposable {
  readonly #folder = new TemporaryFolder();
  readonly #path = withNats(this.#folder.path);
  readonly a = new Place("a");
  readonly b = new Place("b");
  /** Where replicas at another server are. */
  readonly c = new Place("c");
  /** The backup that stands for the one in the document. */
  file = FILE;
  other: NatsServer | undefined;

  private constructor(readonly broker: NatsServer) {}

  static async start(): Promise<World> {
    return new World(await NatsServer.start());
  }

  get #replacements(): Replacements {
    return [
      [FILE, this.file],
      ["/backups/", `${this.#folder.path}/`],
      ["http://127.0.0.1:8080", this.a.set],
      ["http://127.0.0.1:8090", this.b.set],
      ["nats://127.0.0.1:4333", this.other?.url ?? ""],
      ["admin:secret", `${USER}:${PASSWORD}`],
    ];
  }

  spawn(place: Place, env: Record<string, string> = {}): ServiceProcess {
    return place.process = ServiceProcess.spawn({
      dataDir: `${this.#folder.path}/data`,
      env: {
        NATS_URL: this.broker.url,
        REPLICA_ID: place.id,
        SET_PORT: String(place.ports.set),
        GET_PORT: String(place.ports.get),
        HEAL_AFTER_MS: "1000",
        ...env,
      },
    });
  }

  async run(place: Place, env: Record<string, string> = {}): Promise<void> {
    await this.spawn(place, env).started();
  }

  /** Ends replicas. */
  async end(...places: Place[]): Promise<void> {
    await Promise.all(places.map(({ process }) => process!.end("SIGKILL")));
  }

  /** Downloads a backup of a replica under its own name. */
  async backUp({ process }: Place): Promise<void> {
    const response = await process!.backup();
    const name = /filename="(.*)"/.exec(
      response.headers.get("content-disposition")!,
    )![1];
    Deno.writeFileSync(
      `${this.#folder.path}/${name}`,
      await response.bytes(),
    );
    this.file = name;
  }

  /**
   * Runs the commands below a heading; a service that they start is in a place.
   *
   * @param block Which of the blocks.
   */
  async follow(
    heading: string,
    block: number,
    place = this.a,
    env: Record<string, string> = {},
  ): Promise<void> {
    const starts = await runWritten(
      commandsBelow(OPERATIONS, heading)[block],
      this.#replacements,
      { NATS_URL: this.broker.url, PATH: this.#path },
    );
    for (const start of starts) this.spawn(place, { ...env, ...start.env });
  }

  /** @returns What commands below a heading print. */
  async read(heading: string, block: number): Promise<string> {
    const commands = commandsBelow(OPERATIONS, heading)[block].trim();
    await runWritten(
      `${commands} > ${this.#folder.path}/printed`,
      this.#replacements,
      { PATH: this.#path },
    );
    return this.text("printed");
  }

  /** @returns A file in the folder for backups. */
  text(name: string): string {
    return Deno.readTextFileSync(`${this.#folder.path}/${name}`);
  }

  /** Writes a file into the folder for backups. */
  write(name: string, text: string): void {
    Deno.writeTextFileSync(`${this.#folder.path}/${name}`, text);
  }

  /** Runs a command of one's own. */
  async type(command: string): Promise<void> {
    await runWritten(command, [], {
      NATS_URL: this.broker.url,
      PATH: this.#path,
    });
  }

  /** Removes the log of a standalone service. */
  loseData(): void {
    Deno.removeSync(`${this.#folder.path}/data`, { recursive: true });
  }

  /** The name of the newest snapshot in the bucket. */
  async snapshotName(): Promise<string> {
    const client = await connect({ servers: this.broker.url });
    try {
      const store = await client.jetstream().views.os("USERGRADE-snapshots");
      const names = (await store.list()).map(({ name }) => name);
      return names.sort().at(-1)!;
    } finally {
      await client.close();
    }
  }

  /** Starts a replica beside one that makes the log, and waits for both. */
  async join(maker: Place, other: Place): Promise<void> {
    await maker.process!.line(({ message }) => /RESTORE_FROM/.test(message));
    this.spawn(other);
    await Promise.all([maker.process!.started(), other.process!.started()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { process } of [this.a, this.b, this.c]) {
      await process?.[Symbol.asyncDispose]();
    }
    await this.broker[Symbol.asyncDispose]();
    await this.other?.[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

async function set(
  { process }: Place,
  user_id: string,
  spp: number,
): Promise<number> {
  const response = await process!.set({ user_id, spp });
  assert.equal(response.status, 200, await response.text());
  return Number(response.headers.get("log-sequence"));
}

async function sppOf(
  { process }: Place,
  user: string,
): Promise<number | undefined> {
  const response = await process!.get(
    `/get?user_id=${encodeURIComponent(user)}`,
  );
  return (await response.json()).spp;
}

/** How the stream ends of a client that knows a sequence of a lost history. */
async function endOfWatch(
  { process }: Place,
  sequence: number,
): Promise<{ reason: string; detail: string }> {
  const stream = EventStream.of(
    await process!.get("/watch", {
      headers: { "last-event-id": String(sequence) },
    }),
  );
  return JSON.parse((await stream.event())!.data!);
}

/** @returns The users of the next changes after an entry. */
async function toldAfter(
  { process }: Place,
  sequence: number,
  count: number,
): Promise<string[]> {
  const stream = EventStream.of(
    await process!.get(`/watch?after=${sequence}`),
  );
  const events = await stream.events(count);
  await stream.leave();
  return events.map(({ data }) => JSON.parse(data!).user_id);
}

/** Waits until replicas are equal at one sequence of one log. */
async function agree(...places: Place[]): Promise<void> {
  await eventually(async () => {
    const views = await Promise.all(places.map(async ({ process }) => {
      const { log, digest } = await process!.statusJson();
      return [log.id, log.applied_sequence, digest];
    }));
    for (const view of views) assert.deepEqual(view, views[0]);
  });
}

if (areServersNew()) {
  Deno.test("what OPERATIONS.md says to do when NATS is lost with all replicas, and to go back to yesterday's state, works as written while clients set and get", async () => {
    await using world = await World.start();
    const { a, b, broker } = world;
    await Promise.all([world.run(a), world.run(b)]);
    const backedUp = await set(a, KEPT.user_id, KEPT.spp);
    await world.backUp(a);
    await using clients = new PatientClients([a, b], KEPT);
    await clients.back();

    await broker.stop();
    await world.end(a, b);
    broker.loseStore();
    await broker.start();
    clients.forget();
    await world.follow("NATS is lost together with all replicas", 0);
    await world.join(a, b);
    await clients.back();
    assert.ok(await set(a, "ann", 1) > backedUp);

    await world.end(a, b);
    clients.forget();
    await world.follow("Go back to yesterday's state", 1);
    await world.follow("Go back to yesterday's state", 2);
    await world.join(a, b);
    assert.equal(await sppOf(b, "ann"), undefined);
    const ended = endOfWatch(b, 1_000_000);
    await clients.back();
    await clients.check();
    await agree(a, b);
    assert.equal((await ended).reason, "ahead");

    // Now that the clients are done: an import takes what they set.
    await set(a, "ann", 1);
    await world.follow("Go back to yesterday's state", 0);
    await agree(a, b);
    assert.equal(await sppOf(b, "ann"), undefined);
    assert.equal(await sppOf(b, KEPT.user_id), KEPT.spp);
  });

  Deno.test("what OPERATIONS.md says to do when only the bucket is left, to make a staging copy and to move to another server works as written while clients set and get", async () => {
    await using world = await World.start();
    const { a, b, c } = world;
    await world.run(a);
    await set(a, KEPT.user_id, KEPT.spp);
    const made = await a.process!.snapshot();
    assert.equal(made.status, 200, await made.text());
    await world.backUp(a);
    await world.end(a);
    await world.type("nats stream rm USERGRADE -f");
    world.file = await world.snapshotName();
    await world.follow("Only the bucket is left", 0);
    await world.join(a, b);
    await agree(a, b);

    await using clients = new PatientClients([a, b], KEPT);
    await clients.back();
    await world.follow("Make a staging copy", 0, c);
    await c.process!.started();
    assert.equal(await sppOf(c, KEPT.user_id), KEPT.spp);
    const [staging, production] = await Promise.all(
      [c, a].map(async ({ process }) => (await process!.statusJson()).log.id),
    );
    assert.notEqual(staging, production);
    await world.end(c);

    world.other = await NatsServer.start();
    await world.end(a, b);
    world.spawn(a, { READ_ONLY: "yes" });
    world.spawn(b, { READ_ONLY: "yes" });
    for (const { process } of [a, b]) {
      await process!.line(({ state }) => state === "ready");
    }
    await world.follow("Move to another NATS server", 0, c);
    await c.process!.started();
    await clients.check([a, b, c]);
    await world.end(a, b);
    assert.ok(await set(c, "ann", 1) > 0);
  });

  Deno.test("what OPERATIONS.md says to do about two histories takes over what one side has changed, and no more", async () => {
    await using world = await World.start();
    const { a, b, broker } = world;
    await Promise.all([world.run(a), world.run(b)]);
    await bring(a.process!, "before");
    const made = await a.process!.snapshot();
    assert.equal(made.status, 200, await made.text());
    await agree(a, b);
    await broker.saveStore();
    await eventually(() => set(a, "other", 1));
    await bring(a.process!, "forked");
    await agree(a, b);
    // Nobody hears of what b has, and the log loses it.
    b.process!.signal("SIGSTOP");
    await world.end(a);
    await broker.stop("SIGTERM");
    await broker.copyStore("put back");
    await broker.start();
    await world.run(a);
    const parted = await set(a, "another", 2);
    await bring(a.process!, "ready");
    b.process!.signal("SIGCONT");
    await b.process!.line(({ state }) => state === "forked");

    const heading = "Two histories (`forked`)";
    await world.follow(heading, 0);
    assert.equal(await world.read(heading, 1), `${parted}\n`);
    const changed = PASTS.filter(({ before, ready }) => ready !== before)
      .map(({ id }) => id);
    assert.deepEqual(
      (await toldAfter(a, parted - 1, 1 + changed.length)).sort(),
      ["another", ...changed].sort(),
    );
    world.file = await world.snapshotName();
    assert.ok(Number(/-(\d+)\.csv/.exec(world.file)![1]) < parted);
    await world.follow(heading, 2);
    await world.follow(heading, 3);
    assert.deepEqual(
      [
        ...world.text("decide.csv").matchAll(
          /^(\w+),"?(.*?)"?,0,(\d),0,0\r?$/gm,
        ),
      ]
        .map(([, side, id, spp]) =>
          `${id.replaceAll('""', '"')}: ${side} ${spp}`
        )
        .sort(),
      PASTS.filter(({ isOpen }) => isOpen).flatMap((past) =>
        (["before", "forked", "ready"] as const)
          .filter((side) => past[side] !== undefined)
          .map((side) => `${past.id}: ${side} ${past[side]}`)
      ).sort(),
    );
    world.write(
      "decide.csv",
      world.text("decide.csv").replaceAll(/^\w+,"kept by the log",.*\n/gm, ""),
    );
    await world.follow(heading, 4);
    await world.follow(heading, 5);
    await world.end(b);
    await world.run(b);
    await agree(a, b);
    for (const { id, end } of PASTS) {
      assert.equal(await sppOf(b, id), end, id);
    }
    assert.equal(await sppOf(b, "other"), 1);
    assert.equal(await sppOf(b, "another"), 2);

    await world.follow(heading, 6);
    assert.match(world.text("both"), /^\tcreated there,0,2,0,0\r$/m);
  });
} else {
  Deno.test("what OPERATIONS.md says to do to restore with NATS 2.9 works as written", async () => {
    await using world = await World.start();
    const { a, b } = world;
    await Promise.all([world.run(a), world.run(b)]);
    await set(a, KEPT.user_id, KEPT.spp);
    const made = await a.process!.snapshot();
    assert.equal(made.status, 200, await made.text());
    await world.backUp(a);
    await set(a, "ann", 1);
    await world.end(a, b);
    await world.follow("Restore with NATS 2.9", 0);
    await Promise.all([world.run(a), world.run(b)]);
    await world.follow("Restore with NATS 2.9", 1);
    await agree(a, b);
    assert.equal(await sppOf(b, KEPT.user_id), KEPT.spp);
    assert.equal(await sppOf(b, "ann"), undefined);
  });
}

Deno.test("what OPERATIONS.md says to do about two histories finds where a log was healed without one of them", async () => {
  using folder = new TemporaryFolder();
  const info = {
    logId: "ab",
    sequence: 100,
    time: "2026-11-23T22:50:01.123456789Z",
    made: "2026-11-23T22:50:02.123Z",
    rows: 0,
    digest: "0".repeat(16),
  };
  const seams = {
    since: 0,
    count: 1,
    points: [[1, info.time] satisfies [number, string]],
  };
  const heals = {
    count: 1,
    points: [{ sequence: 90, digest: info.digest }],
  };
  for (
    const [name, one] of Object.entries({
      forked: { ...info, seams },
      ready: { ...info, seams, heals },
    })
  ) {
    Deno.writeFileSync(
      `${folder.path}/${name}.csv.gz`,
      formatGzipHeader(backupHeader(one)),
    );
  }
  const commands = commandsBelow(OPERATIONS, "Two histories (`forked`)")[1];
  await runWritten(`${commands.trim()} > ${folder.path}/printed`, [
    ["/backups/", `${folder.path}/`],
  ], {});
  assert.equal(Deno.readTextFileSync(`${folder.path}/printed`), "91\n");
});

Deno.test("what OPERATIONS.md says to do when a standalone service lost its disk works as written", async () => {
  await using world = await World.start();
  const { a } = world;
  const env = {
    NATS_URL: "",
    HEAL_AFTER_MS: "",
    REPLICA_ID: "a",
    COMMIT_TIMEOUT_MS: "500",
  };
  await world.run(a, env);
  const before = await set(a, KEPT.user_id, KEPT.spp);
  await world.backUp(a);
  const lost = await set(a, "ann", 7);
  await world.end(a);
  world.loseData();
  await world.follow("A standalone service lost its disk", 0, a, env);
  await a.process!.started();
  assert.equal(await sppOf(a, KEPT.user_id), KEPT.spp);
  const { reason, detail } = await endOfWatch(a, lost);
  assert.equal(reason, "ahead");
  assert.match(
    detail,
    new RegExp(`after sequence ${lost} .* at sequence ${before} `),
  );
  assert.equal(await set(a, "ann", 1), before + 1);
});
