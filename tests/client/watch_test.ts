import assert from "node:assert/strict";
import {
  RefusedError,
  UserGradeClient,
  type Watch,
  type WatchedChange,
  WatchEndedError,
} from "../../src/client/mod.ts";
import {
  eventBlocks,
  EventStreamError,
} from "../../src/client/event_blocks.ts";
import { PASSWORD, USER } from "../support/credentials.ts";
import { ServedService } from "../support/served_service.ts";
import { problemAnswer, ScriptedServer } from "./scripted_server.ts";

function clientOf(setUrl: string, getUrl = setUrl): UserGradeClient {
  return new UserGradeClient({
    setUrl,
    getUrl,
    user: USER,
    password: PASSWORD,
  });
}

/** The first changes that are told, in short. */
async function take(watch: Watch, count: number): Promise<string[]> {
  const seen: string[] = [];
  for await (const change of watch) {
    seen.push(short(change));
    if (seen.length === count) break;
  }
  return seen;
}

function short(change: WatchedChange): string {
  return change.type === "set"
    ? `${change.sequence} ${change.grade.user_id} ${change.grade.spp}`
    : `${change.sequence} ${change.user_id} -`;
}

/** A stream of events that ends, or is cut off, after this text. */
function eventStream(text: string, isCut = false): Response {
  const bytes = new TextEncoder().encode(text);
  let isSent = false;
  const body = new ReadableStream({
    pull(stream) {
      if (!isSent) {
        isSent = true;
        return stream.enqueue(bytes);
      }
      if (isCut) stream.error(new Error("cut"));
      else stream.close();
    },
  }, { highWaterMark: 0 });
  return new Response(body, {
    headers: { "content-type": "text/event-stream" },
  });
}

function setEvent(user_id: string, spp: number, end = ""): string {
  return `event: set\ndata: ${JSON.stringify({ user_id, spp })}\n${end}\n`;
}

Deno.test("a watch tells of sets and deletions, of all users or of some, and where to go on", async () => {
  await using service = new ServedService();
  const client = clientOf(service.setUrl, service.url);
  await client.set({ user_id: "ann", spp: 1 });
  await client.setMany([{ user_id: "bob", spp: 2 }, { user_id: "é&", spp: 3 }]);
  await client.delete("ann");
  const all = client.watch({ after: 0 });
  assert.deepEqual(await take(all, 4), [
    "1 ann 1",
    "2 bob 2",
    "2 é& 3",
    "3 ann -",
  ]);
  assert.equal(all.sequence, 3);
  const some = client.watch({ after: 0, userIds: ["é&", "ann"] });
  assert.deepEqual(await take(some, 3), ["1 ann 1", "2 é& 3", "3 ann -"]);
  const later = client.watch({ after: 2 });
  assert.deepEqual(await take(later, 1), ["3 ann -"]);
});

Deno.test("a watch that is left in the middle of an entry tells all of it again", async () => {
  await using service = new ServedService();
  const client = clientOf(service.setUrl, service.url);
  await client.set({ user_id: "ann" });
  await client.setMany([{ user_id: "bob" }, { user_id: "eve" }]);
  const watch = client.watch({ after: 0 });
  assert.deepEqual(await take(watch, 2), ["1 ann 0", "2 bob 0"]);
  assert.equal(watch.sequence, 1);
  const { sequence: after } = watch;
  const again = client.watch({ after: after! });
  assert.deepEqual(await take(again, 2), ["2 bob 0", "2 eve 0"]);
});

Deno.test("a watch tells of users with any id, and refuses what names none", async () => {
  await using service = new ServedService();
  const client = clientOf(service.setUrl, service.url);
  const ids = ["a\u2028b", "a\u2029", "\u0085: x", "\ufeff", " data: ", "😀"];
  await client.setMany(ids.map((user_id) => ({ user_id })));
  const watch = client.watch({ after: 0, userIds: ids });
  const told = await take(watch, ids.length);
  assert.deepEqual(told, ids.map((id) => `1 ${id} 0`));
  assert.throws(() => client.watch({ userIds: [] }), TypeError);
  assert.throws(() => client.watch({ userIds: ["\ud800"] }), TypeError);
  await assert.rejects(client.get("\udc00a"), TypeError);
});

Deno.test("a watch passes over no change that it can't read", async () => {
  await using server = new ScriptedServer(
    () => eventStream("event: set\ndata: {\nid: 5\n\n"),
  );
  await assert.rejects(
    take(clientOf(server.url).watch({ after: 4 }), 1),
    /no JSON/,
  );
});

Deno.test("a watch goes on over streams that break, and tells each change once", async () => {
  await using server = new ScriptedServer(
    () =>
      eventStream(`: hello\nid: 4\n\n${setEvent("ann", 1, "id: 5\n")}`, true),
    // A proxy's answer, and an entry that is cut in its middle.
    () => problemAnswer(503, "No server", { "retry-after": "0" }),
    () =>
      eventStream(setEvent("bob", 1) + setEvent("bob", 2).slice(0, 20), true),
    () =>
      eventStream(
        setEvent("bob", 1) + setEvent("bob", 2, "id: 6\n") +
          'event: end\ndata: {"reason":"slow","detail":"go on"}\n\n',
      ),
    () => eventStream("event: set\r\ndata: {}\r\n\r\n".slice(0, 5)),
    () => eventStream(setEvent("bob", 3, "id: 9\n").replaceAll("\n", "\r\n")),
  );
  const watch = clientOf(server.url).watch();
  assert.deepEqual(await take(watch, 4), [
    "5 ann 1",
    "6 bob 1",
    "6 bob 2",
    "9 bob 3",
  ]);
  assert.deepEqual(server.requests, [
    "GET /watch",
    "GET /watch?after=5",
    "GET /watch?after=5",
    "GET /watch?after=5",
    "GET /watch?after=6",
    "GET /watch?after=6",
  ]);
});

Deno.test("a watch ends for good where a backup is needed, and where it is refused", async () => {
  for (
    const [answer, reason] of [
      [
        () =>
          eventStream(
            'event: end\ndata: {"reason":"ahead","detail":"Begin"}\n\n',
          ),
        "ahead",
      ],
      [() => problemAnswer(410, "The oldest is 9"), "forgotten"],
    ] as const
  ) {
    await using server = new ScriptedServer(answer);
    await assert.rejects(
      take(clientOf(server.url).watch({ after: 3 }), 1),
      (error) => error instanceof WatchEndedError && error.reason === reason,
    );
  }
  await using service = new ServedService();
  const watch = clientOf(service.setUrl, service.url).watch({ userIds: [""] });
  await assert.rejects(take(watch, 1), RefusedError);
});

Deno.test("a signal ends a watch, with its reason", async () => {
  await using service = new ServedService();
  const client = clientOf(service.setUrl, service.url);
  await client.set({ user_id: "ann" });
  const abort = new AbortController();
  const reason = new Error("enough");
  const watching = async () => {
    for await (const _ of client.watch({ after: 0, signal: abort.signal })) {
      abort.abort(reason);
    }
  };
  await assert.rejects(watching(), (error) => error === reason);
});

Deno.test("a stream that is silent, or has an event without an end, is given up", async () => {
  const silent = new ReadableStream<Uint8Array>();
  await assert.rejects(eventBlocks(silent, 20).next(), EventStreamError);
  const endless = new ReadableStream<Uint8Array>({
    pull: (stream) => stream.enqueue(new Uint8Array(10_000).fill(65)),
  });
  await assert.rejects(eventBlocks(endless, 1_000).next(), EventStreamError);
});

Deno.test("a watch goes on after a stream that ended while its reader took minutes for a change", async () => {
  const end = `event: end\ndata: {"reason":"slow","detail":"d"}\n\n`;
  await using server = new ScriptedServer(
    () => eventStream(setEvent("ann", 1, "id: 1\n") + end),
    () => eventStream(setEvent("ann", 2, "id: 2\n")),
  );
  const { now } = performance;
  const spp: number[] = [];
  try {
    for await (const change of clientOf(server.url).watch({ after: 0 })) {
      if (change.type === "set") spp.push(change.grade.spp);
      if (spp.length === 2) break;
      performance.now = () => now.call(performance) + 180_000;
    }
  } finally {
    performance.now = now;
  }
  assert.deepEqual(spp, [1, 2]);
  assert.deepEqual(server.requests, [
    "GET /watch?after=0",
    "GET /watch?after=1",
  ]);
});
