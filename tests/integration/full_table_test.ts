import assert from "node:assert/strict";
import { LogClient } from "../../src/log/thread/log_client.ts";
import type { LogOptions } from "../../src/log/thread/messages.ts";
import { bootstrap } from "../../src/replica/bootstrap.ts";
import { SnapshotSearch } from "../../src/replica/snapshot_search.ts";
import { NotAppliedError } from "../../src/replica/endings.ts";
import { Replica } from "../../src/replica/replica.ts";
import { eventually } from "../support/eventually.ts";
import { largeId, withoutMemory } from "../support/memory.ts";
import { NatsServer } from "../support/nats_server.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** A replica over a real log, in this process so that its table can be full. */
class Member implements AsyncDisposable {
  /** Whether its table can't grow. */
  isFull = false;
  failure: Error | undefined;
  readonly replica: Replica;
  readonly #log = new LogClient();
  readonly #timer: ReturnType<typeof setInterval>;

  private constructor() {
    this.replica = new Replica({
      propose: (batch, text, version) =>
        this.#log.propose(batch, text, version),
      defer: (callback) => setImmediate(callback),
      now: () => performance.now(),
    }, 5_000);
    this.#log.listen({
      entries: (entries, lastSequence, _bytes, taken) =>
        this.#run(() => this.replica.apply(entries, lastSequence, taken)),
      status: (status) => this.replica.logStatusChanged(status),
      firstSequence: (sequence) => this.replica.firstSequenceMoved(sequence),
      limits: (limits) => this.replica.logLimitsChanged(limits),
      warn: () => {},
      hearOthers: () => {},
      proposalFailed: (batch, error) =>
        this.replica.proposalFailed(batch, error),
      failed: (error) => this.failure = error,
    });
    this.#timer = setInterval(() => this.#run(() => this.replica.tick()), 20);
  }

  #run(run: () => void): void {
    if (this.isFull) withoutMemory("records", run);
    else run();
  }

  static async open(
    options: LogOptions,
    { isFull = false } = {},
  ): Promise<Member> {
    const member = new Member();
    member.isFull = isFull;
    const log = member.#log;
    await log.connect(options);
    const info = await log.open();
    const search = new SnapshotSearch(
      { sources: [], stores: [] },
      log,
      () => {},
    );
    const { signal } = new AbortController();
    await bootstrap(member.replica, log, info, search, signal);
    if (!isFull) await eventually(() => assert.ok(member.replica.writable));
    return member;
  }

  /** Sets users, all at once; says how many of the sets were told what. */
  async set(...ids: string[]): Promise<Record<string, number>> {
    const outcomes = await Promise.allSettled(
      ids.map(async (user_id) => await this.replica.set({ user_id, spp: 1 })),
    );
    const told: Record<string, number> = {};
    for (const outcome of outcomes) {
      const what = outcome.status === "fulfilled"
        ? "committed"
        : outcome.reason.name;
      told[what] = (told[what] ?? 0) + 1;
    }
    return told;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#log.close();
  }
}

function jetStream(server: NatsServer, replicaId: string): LogOptions {
  return {
    engine: "jetstream",
    servers: [server.url],
    stream: "USERGRADE",
    streamReplicas: 1,
    replicaId,
    commitTimeout_ms: 5_000,
  };
}

async function agree(...members: Member[]): Promise<void> {
  await eventually(() => {
    const [first, ...others] = members.map(({ replica, failure }) => ({
      sequence: replica.appliedSequence,
      last: replica.lastSequence,
      users: replica.users,
      digest: replica.digest,
      isStuck: replica.isStuck,
      failure,
    }));
    assert.equal(first.sequence, first.last);
    for (const other of others) assert.deepEqual(other, first);
  });
}

/** More ids than a window has entries, each beyond an empty table. */
function largeIds(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => largeId(`${name} ${i} `));
}

Deno.test("two replicas, one of which is full, end equal once it has room, whoever proposed", async () => {
  await using server = await NatsServer.start();
  await using one = await Member.open(jetStream(server, "one"));
  await using full = await Member.open(jetStream(server, "full"));
  assert.deepEqual(await full.set("a", "b"), { committed: 2 });
  await agree(one, full);

  full.isFull = true;
  // Its own batch: in the log, and applied by the other.
  assert.deepEqual(await full.set("c", largeId("d"), "e"), {
    [NotAppliedError.name]: 3,
  });
  await eventually(() => assert.equal(one.replica.users, 5));
  assert.equal(full.replica.users, 2);
  assert.deepEqual(await full.set("f"), { NotReadyError: 1 });
  assert.match(full.replica.getJson("a")!, /"spp":1,/);
  // And far more of the other's than it may hold back.
  for (const id of largeIds("other", 100)) {
    assert.deepEqual(await one.set(id), { committed: 1 });
  }
  assert.equal(full.replica.users, 2);

  full.isFull = false;
  await agree(one, full);
  assert.equal(full.replica.users, 105);
  assert.deepEqual(await full.set("f"), { committed: 1 });
  await agree(one, full);
});

Deno.test("a replica that is full while it catches up is ready once it has room", async () => {
  await using server = await NatsServer.start();
  await using one = await Member.open(jetStream(server, "one"));
  for (const id of largeIds("before", 50)) await one.set(id);
  {
    await using early = await Member.open(jetStream(server, "early"), {
      isFull: true,
    });
    await eventually(() => assert.ok(early.replica.isStuck));
    // Its log closes although it holds back what the log has given.
  }
  await using late = await Member.open(jetStream(server, "late"), {
    isFull: true,
  });
  await eventually(() => assert.ok(late.replica.isStuck));
  assert.equal(late.replica.state, "catching_up");
  late.isFull = false;
  await agree(one, late);
  assert.equal(late.replica.state, "ready");
});

Deno.test("a standalone replica that is full goes on once it has room, and so does the next one on its log", async () => {
  using folder = new TemporaryFolder();
  const options = { engine: "sqlite", directory: folder.path } as const;
  let digest: string;
  {
    await using one = await Member.open(options);
    one.isFull = true;
    assert.deepEqual(await one.set("a", largeId("b"), "c"), {
      [NotAppliedError.name]: 3,
    });
    assert.deepEqual(await one.set("d"), { NotReadyError: 1 });
    one.isFull = false;
    await eventually(() => assert.ok(one.replica.writable));
    assert.deepEqual(await one.set("d"), { committed: 1 });
    assert.equal(one.replica.users, 4);
    ({ digest } = one.replica);
  }
  await using again = await Member.open(options);
  assert.equal(again.replica.digest, digest);
});
