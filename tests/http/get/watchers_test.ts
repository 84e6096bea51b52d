import assert from "node:assert/strict";
import fc from "fast-check";
import { MATCHES_MAX, SEARCHED_MAX } from "../../../src/http/get/watcher.ts";
import {
  COMMENT_INTERVAL_MS,
  MISSED_MAX,
  STALLED_MS,
  Watchers,
} from "../../../src/http/get/watchers.ts";
import { ChangeRing } from "../../../src/replica/change_ring.ts";
import type { ChangeOutcome } from "../../../src/user_grade.ts";
import { type EventBlock, EventStream } from "../../support/event_stream.ts";

const COMMIT_TIMEOUT_MS = 5_000;

/** What one change is told as: the entry, and which of its changes it is. */
interface Told {
  readonly sequence: number;
  readonly user_id: string;
  readonly spp: number | undefined;
}

/** A replica's ring and those who watch it, with time by hand. */
class World {
  readonly ring: ChangeRing;
  readonly watchers: Watchers;
  /** Everything that was applied. */
  readonly applied: Told[] = [];
  now_ms = 0;
  #sequence = 0;
  #due: { at_ms: number; callback: () => void }[] = [];

  constructor(keptMin: number) {
    const ring = new ChangeRing(keptMin);
    this.ring = ring;
    this.watchers = new Watchers(
      {
        readable: true,
        isForked: false,
        connected: true,
        get lastSequence() {
          return ring.sequence;
        },
        assertWatchable: () => {},
      },
      this.ring,
      {
        now: () => this.now_ms,
        later: (callback, ms) =>
          this.#due.push({ at_ms: this.now_ms + ms, callback }),
      },
      COMMIT_TIMEOUT_MS,
    );
  }

  /** Applies an entry: sets of these users, and deletions of those after "-". */
  apply(...users: string[]): void {
    const sequence = ++this.#sequence;
    const outcomes = users.map((name, i): ChangeOutcome =>
      name.startsWith("-")
        ? { user_id: name.slice(1), deleted: true, existed: true }
        : {
          user_id: name,
          postpaid_limit: sequence,
          spp: i,
          shipping_fee: 0,
          return_fee: 0,
        }
    );
    this.applied.push(
      ...outcomes.map((outcome) => ({
        sequence,
        user_id: outcome.user_id,
        spp: "deleted" in outcome ? undefined : outcome.spp,
      })),
    );
    this.ring.applied(sequence, outcomes);
  }

  /** Lets time pass; what is due then happens, and so does a tick. */
  async pass(ms: number): Promise<void> {
    this.now_ms += ms;
    const due = this.#due.filter(({ at_ms }) => at_ms <= this.now_ms);
    this.#due = this.#due.filter(({ at_ms }) => at_ms > this.now_ms);
    for (const { callback } of due) callback();
    this.watchers.tick();
    // Readers get what they were given.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }

  watch(after?: number, userIds?: ReadonlySet<string>): EventStream {
    return new EventStream(this.watchers.open({ after, userIds }));
  }
}

/** A client that reads at its own pace and comes back where it left off. */
class Client {
  /** What it has been told, whole entries. */
  readonly told: Told[] = [];
  /** What it was told of an entry whose id has not come. */
  #part: { user_id: string; spp: number | undefined }[] = [];
  #stream: EventStream;
  /** The read that waits. */
  #reading: Promise<EventBlock | undefined> | undefined;
  isGone = false;
  readonly #begin: number;

  constructor(
    private readonly world: World,
    after: number,
    private readonly userIds: ReadonlySet<string> | undefined,
  ) {
    this.#begin = after;
    this.#stream = world.watch(after, userIds);
  }

  /** Reads some blocks, as many as there are. */
  async read(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.#reading ??= this.#stream.block();
      const block = await Promise.race([
        this.#reading,
        new Promise<"none">((resolve) => setTimeout(() => resolve("none"), 0)),
      ]);
      if (block === "none") return;
      this.#reading = undefined;
      if (block === undefined) return this.comeBack();
      this.#take(block);
    }
  }

  #take({ event, data, id }: EventBlock): void {
    if (event === "set" || event === "delete") {
      const { user_id, spp } = JSON.parse(data!);
      assert.equal(spp === undefined, event === "delete");
      this.#part.push({ user_id, spp });
    }
    if (id === undefined) return;
    const sequence = Number(id);
    // An entry that has its id is complete.
    if (this.#part.length > 0) {
      assert.ok(sequence > (this.told.at(-1)?.sequence ?? this.#begin));
    }
    this.told.push(...this.#part.map((one) => ({ sequence, ...one })));
    this.#part = [];
  }

  /** Leaves, and goes on with the last id; gone if that is forgotten. */
  async comeBack(): Promise<void> {
    await this.#stream.leave();
    this.#reading = undefined;
    this.#part = [];
    const after = Number(this.#stream.lastId ?? this.#begin);
    if (after < this.world.watchers.floor) {
      this.isGone = true;
      return;
    }
    this.#stream = this.world.watch(after, this.userIds);
    this.#stream.lastId = String(after);
  }

  /** What it must have been told by now. */
  get expected(): Told[] {
    return this.world.applied.filter(({ sequence, user_id }) =>
      sequence > this.#begin && (this.userIds?.has(user_id) ?? true)
    );
  }
}

const user = fc.constantFrom("a", "b", "c", "日", "-a", "-b");

const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ apply: fc.array(user, { maxLength: 6 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      read: fc.nat(),
      blocks: fc.integer({ min: 1, max: 9 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ pass_ms: fc.integer({ min: 0, max: 900 }) }),
  },
  { weight: 1, arbitrary: fc.record({ comeBack: fc.nat() }) },
);

const watcher = fc.record({
  after: fc.nat(8),
  users: fc.option(
    fc.uniqueArray(fc.constantFrom("a", "b", "日"), { minLength: 1 }),
  ),
});

Deno.test(
  "Watchers tell each client all that it wants, each entry once and whole, however it reads, leaves and comes back",
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(watcher, { minLength: 1, maxLength: 4 }),
        fc.array(action, { maxLength: 60 }),
        async (wanted, actions) => {
          const world = new World(200);
          const clients = wanted.map(({ after, users }) =>
            new Client(
              world,
              after,
              users === null ? undefined : new Set(users),
            )
          );
          for (const action of actions) {
            if ("apply" in action) world.apply(...action.apply);
            else if ("pass_ms" in action) await world.pass(action.pass_ms);
            else if ("read" in action) {
              await clients[action.read % clients.length].read(action.blocks);
            } else await clients[action.comeBack % clients.length].comeBack();
          }
          await world.pass(1_000);
          for (const client of clients) {
            // The last id may only come with the next comment.
            await client.read(1_000);
            assert.ok(!client.isGone);
            assert.deepEqual(client.told, client.expected);
          }
          world.watchers.endAll("draining");
          assert.equal(world.watchers.size, 0);
        },
      ),
      { numRuns: 60, interruptAfterTimeLimit: 20_000 },
    );
  },
);

Deno.test(
  "Watchers find a few changes among many, and write many of one entry in parts",
  async () => {
    const world = new World(30_000);
    const many = Array.from({ length: 3 * MATCHES_MAX + 7 }, () => "a");
    // Deletions are short: more of them are in a text.
    const deletions = many.map((id) => `-${id}`);
    const others = Array.from({ length: SEARCHED_MAX + 1 }, () => "x");
    world.apply(...many.slice(0, 9), "b");
    for (const other of [...others, ...others]) world.apply(other);
    world.apply("b", ...many, "b");
    world.apply("b", ...others, "b");
    world.apply("-b", ...deletions, "-b");
    for (const users of [undefined, new Set(["a"]), new Set(["b"])]) {
      const client = new Client(world, 0, users);
      await client.read(20_000);
      assert.deepEqual(client.told, client.expected);
      await client.comeBack();
    }
  },
);

Deno.test(
  "Watchers tell one who waits at once, and then many changes in few steps",
  async () => {
    const world = new World(1_000);
    const stream = world.watch(0);
    await stream.block();
    const first = stream.events(1);
    await world.pass(0);
    world.apply("a");
    await world.pass(0);
    await first;
    const next = stream.events(50);
    await world.pass(0);
    for (let i = 0; i < 50; i++) world.apply("a");
    const { events } = world.watchers.counts;
    await world.pass(0);
    assert.equal(world.watchers.counts.events, events, "too early");
    await world.pass(20);
    await next;
    await stream.leave();
  },
);

Deno.test(
  "Watchers end one who takes nothing for a while and misses much, and neither the patient nor the busy",
  async () => {
    const world = new World(65_536);
    const streams = {
      slow: world.watch(0),
      busy: world.watch(0),
      // Its users do not change.
      idle: world.watch(0, new Set(["nobody"])),
    };
    const entry = Array.from({ length: 1_000 }, () => "a");
    for (const stream of Object.values(streams)) await stream.block();
    for (let i = 0; i < MISSED_MAX + 1; i += entry.length) {
      world.apply(...entry);
      await world.pass(20);
      await streams.busy.events(1);
    }
    await world.pass(STALLED_MS - 200);
    assert.equal(world.watchers.size, 3);
    await streams.busy.events(1_000);
    await world.pass(200);
    assert.deepEqual([world.watchers.size, world.watchers.counts.ends.slow], [
      2,
      1,
    ]);
    assert.equal((await streams.slow.rest()).at(-1)?.event, "end");
  },
);

Deno.test("Watchers end one who reads more slowly than changes are forgotten", async () => {
  const world = new World(100);
  const stream = world.watch(0);
  await stream.block();
  for (let i = 0; i < 300; i++) world.apply("a");
  await world.pass(0);
  const [end] = await stream.rest();
  assert.equal(JSON.parse(end.data!).reason, "slow");
  assert.ok(world.watchers.floor > 0);
});

Deno.test(
  "Watchers tell what has come while nobody watched to one who asks for it, and to no one else",
  async () => {
    const world = new World(100);
    for (const _ of [1, 2]) {
      world.apply("a");
      const [from, now] = [world.watch(0), world.watch()];
      await from.block();
      assert.equal((await now.block())?.id, String(world.ring.sequence));
      assert.equal(
        (await from.events(world.applied.length)).at(-1)?.id,
        now.lastId,
      );
      const next = now.event();
      world.apply("b");
      await world.pass(20);
      assert.equal(JSON.parse((await next)!.data!).user_id, "b");
      await from.leave();
      await now.leave();
    }
  },
);

Deno.test(
  "Watchers comment every 15 s to one for whom nothing comes, with the id of what it has been told",
  async () => {
    const world = new World(100);
    const stream = world.watch(undefined, new Set(["b"]));
    await stream.block();
    for (let i = 1; i <= 3; i++) {
      const comment = stream.block();
      world.apply("a");
      await world.pass(COMMENT_INTERVAL_MS);
      assert.equal((await comment)?.id, String(i));
    }
    await stream.leave();
  },
);
