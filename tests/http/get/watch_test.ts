import assert from "node:assert/strict";
import {
  MISSED_MAX,
  NAMED_USERS_MAX,
  STALLED_MS,
  WATCHERS_MAX,
} from "../../../src/http/get/watchers.ts";
import { WATCHED_USERS_MAX } from "../../../src/http/get/watch_query.ts";
import { Storage } from "../../../src/storage/storage.ts";
import type { UserGradePatch } from "../../../src/user_grade.ts";
import { type EventBlock, EventStream } from "../../support/event_stream.ts";
import { LOCAL_TIMEOUT_MS } from "../../support/local_log.ts";
import { LocalService } from "../../support/local_service.ts";
import { problem } from "../../support/problem.ts";

async function watch(
  service: LocalService,
  query = "",
  lastId?: string,
): Promise<EventStream> {
  const headers = lastId === undefined ? {} : { "last-event-id": lastId };
  return EventStream.of(await service.get(`/watch?${query}`, { headers }));
}

/** A service to which some have been added, one entry each. */
async function serviceWith(
  ...entries: UserGradePatch[][]
): Promise<LocalService> {
  const service = new LocalService();
  for (const entry of entries) await service.log.proposer.setMany(entry);
  return service;
}

/** What the events tell: name, `spp` of the record or user id, and id. */
function short({ event, data, id }: EventBlock): string {
  const { user_id, spp } = JSON.parse(data!);
  return [event, user_id, spp, id].filter((one) => one !== undefined).join(" ");
}

Deno.test("a watch names the sequence it begins at, then tells of sets with the whole record and of deletions with the id", async () => {
  const service = await serviceWith([{ user_id: "a", spp: 1 }]);
  const stream = await watch(service);
  assert.deepEqual(await stream.block(), {
    "": "changes after sequence 1",
    retry: "1000",
    id: "1",
  });
  await service.set({ user_id: "a", return_fee: 2 });
  assert.deepEqual(await stream.block(), {
    event: "set",
    data:
      '{"user_id":"a","postpaid_limit":0,"spp":1,"shipping_fee":0,"return_fee":2}',
    id: "2",
  });
  await service.log.proposer.delete({ user_id: "a" });
  assert.deepEqual(await stream.block(), {
    event: "delete",
    data: '{"user_id":"a"}',
    id: "3",
  });
  await stream.leave();
});

Deno.test("a watch from a sequence tells of all entries after it, with the id on the last event of each", async () => {
  const service = await serviceWith(
    [{ user_id: "a", spp: 1 }],
    [{ user_id: "b", spp: 2 }, { user_id: "a", spp: 3 }, { user_id: "b" }],
    [{ user_id: "c", spp: 4 }],
  );
  for (
    const stream of [
      await watch(service, "after=1"),
      // A client that comes back sends the URL as it was, and the header.
      await watch(service, "after=3", "1"),
    ]
  ) {
    assert.deepEqual((await stream.events(4)).map(short), [
      "set b 2",
      "set a 3",
      "set b 2 2",
      "set c 4 3",
    ]);
    await stream.leave();
  }
});

Deno.test("a watch of some users tells of these alone, with the entry's id on the last event that it tells", async () => {
  const service = await serviceWith();
  const stream = await watch(service, "user_id=a&user_id=%E6%97%A5&after=0");
  await service.log.proposer.setMany([
    { user_id: "a", spp: 1 },
    { user_id: "b" },
    { user_id: "日", spp: 2 },
    { user_id: "b" },
  ]);
  await service.set({ user_id: "b" });
  await service.set({ user_id: "a", spp: 3 });
  const expected = ["set a 1", "set 日 2 1", "set a 3 3"];
  assert.deepEqual((await stream.events(3)).map(short), expected);
  // The same from what is remembered.
  const again = await watch(service, "user_id=a&user_id=日&user_id=a&after=0");
  assert.deepEqual((await again.events(3)).map(short), expected);
  await stream.leave();
  await again.leave();
});

Deno.test("a watch for which nothing comes gets a comment every 15 s, whose id moves on with the log", async () => {
  const service = await serviceWith();
  const some = await watch(service, "user_id=a");
  const ahead = await watch(service, "after=9");
  for (const stream of [some, ahead]) await stream.block();
  const [next, nextAhead] = [some.block(), ahead.block()];
  await service.set({ user_id: "b" });
  await service.set({ user_id: "b" });
  await untilStep();
  service.pass(14_900);
  service.pass(100);
  assert.deepEqual(await next, {
    "": "nothing after sequence 2 yet",
    id: "2",
  });
  // An id must not go back behind what the client has.
  assert.equal((await nextAhead)?.id, "9");
  for (const stream of [some, ahead]) await stream.leave();
});

/** Lets those who wait be told what has come. */
function untilStep(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 60));
}

Deno.test("a watch from a sequence that is yet to come tells nothing before it", async () => {
  const service = await serviceWith();
  const streams = [
    await watch(service, "after=2"),
    await watch(service, "after=2&user_id=a"),
  ];
  const events = streams.map((stream) => stream.events(1));
  for (let spp = 1; spp <= 3; spp++) await service.set({ user_id: "a", spp });
  for (const [event] of await Promise.all(events)) {
    assert.equal(short(event), "set a 3 3");
  }
  for (const stream of streams) await stream.leave();
});

/** What a stream ends with that has told nothing but where it begins. */
async function endOf(stream: EventStream): Promise<Record<string, string>> {
  const [end, ...more] = await stream.rest();
  assert.deepEqual([end.event, end.id, more], ["end", undefined, []]);
  return JSON.parse(end.data!);
}

Deno.test("a watch from a sequence that the log does not reach in the time of a commit ends with both sequences and what to do", async () => {
  const service = await serviceWith([{ user_id: "a" }], [{ user_id: "b" }]);
  const streams = [
    await watch(service, "after=9"),
    await watch(service, "user_id=a", "3"),
  ];
  for (const stream of streams) await stream.block();
  const reached = await watch(service, "after=2");
  service.pass(LOCAL_TIMEOUT_MS / 2);
  assert.equal(service.apps.watchers.size, 3);
  service.pass(LOCAL_TIMEOUT_MS / 2);
  for (const [i, after] of [9, 3].entries()) {
    const { reason, detail } = await endOf(streams[i]);
    assert.equal(reason, "ahead");
    assert.match(
      detail,
      new RegExp(`after sequence ${after}\\b.* sequence 2\\b.*take a backup`),
    );
  }
  assert.equal(service.apps.watchers.size, 1);
  assert.equal(service.apps.watchers.counts.ends.ahead, 2);
  await reached.leave();
});

Deno.test("a watch waits for a sequence that the log has, and for one that it may have while it is away", async () => {
  const service = await serviceWith([{ user_id: "a" }]);
  const { proposer } = service.log;
  proposer.apply([], 9);
  const streams = [await watch(service, "after=9")];
  service.pass(2 * LOCAL_TIMEOUT_MS);
  assert.equal(service.apps.watchers.size, 1);

  proposer.logStatusChanged({ state: "away", reason: "a test" });
  streams.push(await watch(service, "after=10"));
  await streams[1].block();
  service.pass(2 * LOCAL_TIMEOUT_MS);
  assert.equal(service.apps.watchers.size, 2);
  proposer.logStatusChanged({ state: "connected", reason: "well" });
  service.pass(LOCAL_TIMEOUT_MS / 2);
  assert.equal(service.apps.watchers.size, 2);
  service.pass(LOCAL_TIMEOUT_MS / 2);
  assert.equal((await endOf(streams.pop()!)).reason, "ahead");
  assert.equal(service.apps.watchers.size, 1);
  await streams[0].leave();
});

Deno.test("HEAD of a watch answers as GET does, and holds nothing", async () => {
  const service = await serviceWith();
  const head = await service.get("/watch", { method: "HEAD" });
  const get = await service.get("/watch");
  assert.equal(head.status, 200);
  assert.deepEqual([...head.headers], [...get.headers]);
  assert.deepEqual(Object.fromEntries(get.headers), {
    "content-type": "text/event-stream",
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
  });
  assert.equal(service.apps.watchers.size, 1);
  await get.body!.cancel();
  assert.equal(service.apps.watchers.size, 0);
});

Deno.test("a watch with a wrong parameter gets 400 that names it", async () => {
  const service = await serviceWith();
  const many = Array.from(
    { length: WATCHED_USERS_MAX + 1 },
    (_, i) => `user_id=${i}`,
  ).join("&");
  for (
    const [query, field, lastId] of [
      ["after=x", "after"],
      ["after=", "after"],
      ["after=-1", "after"],
      ["after=9007199254740992", "after"],
      ["after=1&after=1", "after"],
      ["user_id=", "user_id"],
      ["user_id=a&user_id=%00", "user_id"],
      [many, "user_id"],
      ["after=1", "Last-Event-ID", "x"],
      ["userid=a", "userid"],
      ["user_id=a&after=1&=x", ""],
      ["user_id=a&User_Id=b", "User_Id"],
      ["user_id%5B%5D=a", "user_id[]"],
      ["lastEventId=1", "lastEventId"],
      ["min_sequence", "min_sequence"],
    ]
  ) {
    const headers = lastId === undefined ? {} : { "last-event-id": lastId };
    const response = await service.get(`/watch?${query}`, { headers });
    const { detail, errors } = await problem(response, 400);
    assert.equal(errors[0].field, field);
    assert.ok(detail.includes(field), detail);
  }
  await problem(await service.get("/watch?user_id=%ff"), 400);
  const typos = await service.get("/watch?userid=a&x&x&since=1");
  const { detail, errors } = await problem(typos, 400);
  assert.match(detail, /"userid", "x", "since".* user_id, after/);
  assert.deepEqual(
    errors.map(({ field }: { field: string }) => field),
    ["userid", "x", "since"],
  );
  const huge = Array.from({ length: 99 }, (_, i) => `${i}`.padEnd(500, "x"));
  const short = await service.get(`/watch?${huge.join("&")}`);
  assert.ok((await problem(short, 400)).detail.length < 1_000);
  // An empty id is none.
  const stream = await watch(service, "after=0", "");
  assert.equal((await stream.block())?.id, "0");
  await stream.leave();
});

Deno.test("a watch from before what is remembered gets 410, with the oldest sequence and what to do", async () => {
  const service = await serviceWith();
  service.log.proposer.rejoin(new Storage(), { sequence: 7, time: null });
  const gone = await problem(await service.get("/watch?after=6"), 410);
  assert.equal(gone.oldest_sequence, 7);
  assert.match(gone.detail, /sequence 6.* is 7\. Take a backup/s);
  const stream = await watch(service, "after=7");
  await stream.leave();
});

Deno.test(`no more than ${WATCHERS_MAX} watch at a time; one that leaves makes room`, async () => {
  const service = await serviceWith();
  const bodies: ReadableStream[] = [];
  for (let i = 0; i < WATCHERS_MAX; i++) {
    bodies.push((await service.get("/watch")).body!);
  }
  for (const method of ["GET", "HEAD"]) {
    const refused = await service.get("/watch", { method });
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get("retry-after"), "1");
  }
  await bodies.pop()!.cancel();
  await watch(service);
  service.apps.watchers.endAll("draining");
  assert.equal(service.apps.watchers.size, 0);
});

Deno.test(`all who watch name no more than ${NAMED_USERS_MAX} users together`, async () => {
  const service = await serviceWith();
  const ids = Array.from(
    { length: WATCHED_USERS_MAX },
    (_, i) => `user_id=${i}`,
  );
  const streams: EventStream[] = [];
  for (let i = 0; i < NAMED_USERS_MAX / WATCHED_USERS_MAX; i++) {
    streams.push(await watch(service, ids.join("&")));
  }
  const { detail } = await problem(await service.get("/watch?user_id=a"), 503);
  assert.match(detail, new RegExp(`${NAMED_USERS_MAX} is the limit`));
  const all = await watch(service);
  await streams[0].leave();
  const more = await watch(service, "user_id=a");
  for (const stream of [all, more, ...streams]) await stream.leave();
});

/** Commits so many sets of one user, 1,000 in an entry. */
async function setOften(service: LocalService, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1_000) {
    const length = Math.min(1_000, count - i);
    await service.log.proposer.setMany(
      Array.from({ length }, (_, k) => ({ user_id: "a", spp: i + k + 1 })),
    );
  }
}

Deno.test("a watch that takes nothing while 1 MiB waits for it ends, and goes on with its last id", async () => {
  for (const query of ["", "user_id=a"]) {
    const service = await serviceWith();
    const stream = await watch(service, query);
    await stream.block();
    await setOften(service, MISSED_MAX + 1_000);
    await untilStep();
    service.pass(STALLED_MS);
    assert.equal(service.apps.watchers.size, 0);
    assert.equal(service.apps.watchers.counts.ends.slow, 1);
    const blocks = await stream.rest();
    const end = blocks.pop()!;
    assert.equal(end.event, "end");
    assert.equal(JSON.parse(end.data!).reason, "slow");
    const told = blocks.map((block) => JSON.parse(block.data!).spp);
    const whole = blocks.findLastIndex(({ id }) => id !== undefined) + 1;
    const again = await watch(service, query, stream.lastId);
    const rest = await again.events(MISSED_MAX + 1_000 - whole);
    assert.deepEqual(
      [
        ...told.slice(0, whole),
        ...rest.map(({ data }) => JSON.parse(data!).spp),
      ],
      Array.from({ length: MISSED_MAX + 1_000 }, (_, i) => i + 1),
    );
    await again.leave();
  }
});

Deno.test("a watch ends with an event that says why when the replica stops, forks, restores or can't answer", async () => {
  const ways: Record<string, (service: LocalService) => void> = {
    draining: ({ apps, log }) => {
      log.proposer.drain("SIGTERM");
      apps.watchers.endAll("draining");
    },
    forked: (service) => {
      service.log.proposer.healingChanged({ type: "forked", reason: "a test" });
      service.pass(0);
    },
    gap: ({ log }) =>
      log.proposer.rejoin(new Storage(), { sequence: 7, time: null }),
    not_ready: (service) => {
      service.log.proposer.logStatusChanged({
        state: "upgrade_required",
        reason: "a test",
      });
      service.pass(0);
    },
  };
  for (const [reason, make] of Object.entries(ways)) {
    const service = await serviceWith([{ user_id: "a", spp: 1 }]);
    const stream = await watch(service, "after=0");
    await stream.events(1);
    make(service);
    const [end, ...more] = await stream.rest();
    assert.deepEqual([end.event, end.id, more], ["end", undefined, []]);
    const said = JSON.parse(end.data!);
    assert.equal(said.reason, reason);
    assert.ok(said.detail.length > 20);
    const again = await service.get("/watch");
    if (reason === "gap") await again.body!.cancel();
    else await problem(again, 503);
  }
});

Deno.test("a replica whose log has lost what it has applied lets nobody begin to watch, and those who do wait", async () => {
  const service = await serviceWith([{ user_id: "a", spp: 1 }]);
  const stream = await watch(service);
  await stream.block();
  service.log.proposer.logStatusChanged({
    state: "ahead_of_log",
    reason: "a test",
  });
  service.pass(1_000);
  const { detail } = await problem(await service.get("/watch"), 503);
  assert.match(detail, /lost.*watch another replica/s);
  service.log.proposer.logStatusChanged({ state: "connected", reason: "well" });
  await service.set({ user_id: "a", spp: 2 });
  assert.equal(short((await stream.event())!), "set a 2 2");
  await stream.leave();
});

Deno.test("a replica that has not restored yet lets nobody watch", async () => {
  const service = new LocalService({ isOpen: false });
  await problem(await service.get("/watch?after=0"), 503);
});

Deno.test("/metrics counts those who watch, what they were told and how they ended", async () => {
  const service = await serviceWith();
  const [one, other] = [await watch(service), await watch(service)];
  const events = [one, other].map((stream) => stream.events(2));
  await service.log.proposer.setMany([{ user_id: "a" }, { user_id: "b" }]);
  await Promise.all(events);
  await one.leave();
  const text = await (await service.get("/metrics")).text();
  assert.match(text, /^usergrade_watchers 1$/m);
  assert.match(text, /^usergrade_watch_events_total 4$/m);
  assert.match(text, /^usergrade_watches_ended_total\{reason="client"\} 1$/m);
  assert.match(text, /^usergrade_watches_ended_total\{reason="slow"\} 0$/m);
  await other.leave();
});
