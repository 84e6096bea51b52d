import assert from "node:assert/strict";
import { EntryFeed } from "../../../src/log/jetstream/entry_feed.ts";
import {
  AFTER,
  type FeedMessage,
  MESSAGE_ID,
} from "../../../src/log/jetstream/feed_message.ts";
import { Proposals } from "../../../src/log/jetstream/proposals.ts";
import { ownSubjects } from "../../../src/log/jetstream/subjects.ts";

const permissions = "none";
const SUBJECTS = ownSubjects("USERGRADE", "a");
const SUBJECT = "usergrade.v1.set.a";

function entry(
  sequence: number,
  { subject = SUBJECT, messageId = "", pending = 0 } = {},
): FeedMessage {
  return {
    subject,
    reply: `$JS.ACK.S.C.1.${sequence}.1.1700000000000000${
      String(sequence).padStart(3, "0")
    }.${pending}`,
    header: (name) => name === MESSAGE_ID ? messageId : "",
    data: new TextEncoder().encode(`entry ${sequence}`),
    bytes: 100,
  };
}

function heartbeat(lastSent: number, stalled = ""): FeedMessage {
  const headers: Record<string, string> = {
    "Nats-Last-Stream": String(lastSent),
    "Nats-Consumer-Stalled": stalled,
  };
  return {
    subject: "inbox",
    reply: undefined,
    header: (name) => headers[name] ?? "",
    data: new Uint8Array(0),
    bytes: 0,
  };
}

function feed() {
  const proposals = new Proposals(1_000);
  return { proposals, feed: new EntryFeed("session", SUBJECTS, proposals) };
}

Deno.test({
  name: "EntryFeed takes no other entry than the log's leader has",
  permissions,
  fn: () => {
    const { feed: one } = feed();
    assert.equal(one.receive(entry(1)), "ok");
    const time = "2023-11-14T22:13:20.000000002Z";
    one.expect({ sequence: 2, time: "2023-11-14T22:13:19.000000002Z" });
    assert.equal(one.receive(entry(2)), "foreign");
    assert.equal(one.fed, 1);
    one.expect({ sequence: 2, time });
    assert.equal(one.receive(entry(2)), "ok");
    // Nothing is known of those after it, or when it starts elsewhere.
    assert.equal(one.receive(entry(3)), "ok");
    one.expect({ sequence: 4, time });
    one.startAfter(3, null);
    assert.equal(one.receive(entry(4)), "ok");
  },
});

Deno.test({
  name:
    "EntryFeed gives entries in order, with time and bytes, and knows the log's end",
  permissions,
  fn: () => {
    const { feed: one } = feed();
    assert.equal(one.receive(entry(1, { pending: 4 })), "ok");
    assert.equal(one.lastSequence, 5);
    // A consumer from before repeats it.
    assert.equal(one.receive(entry(1)), "ok");
    const { entries, bytes } = one.take().read;
    assert.deepEqual(entries, [{
      sequence: 1,
      time: "2023-11-14T22:13:20.000000001Z",
      payload: new TextEncoder().encode("entry 1"),
    }]);
    // As nats-server counts it: 34 bytes for the record itself.
    assert.equal(bytes, 134);
    assert.ok(one.isEmpty);
    assert.equal(one.take().read.bytes, 0);
  },
});

Deno.test({
  name:
    "EntryFeed says when entries are missing, before an entry or at a heartbeat, and feeds none beyond",
  permissions,
  fn: () => {
    const { feed: one } = feed();
    assert.equal(one.receive(entry(2)), "gap");
    assert.equal(one.receive(heartbeat(0)), "ok");
    assert.equal(one.receive(heartbeat(1)), "gap");
    assert.equal(one.fed, 0);
    assert.ok(one.isEmpty);
    one.startAfter(5, null);
    assert.equal(one.receive(entry(6)), "ok");
    assert.equal(one.receive(entry(8)), "gap");
    assert.equal(one.fed, 6);
  },
});

Deno.test({
  name:
    "EntryFeed knows an own batch by its message id, on this replica's subject alone, while it is waited for",
  permissions,
  fn: async () => {
    const { feed: one, proposals } = feed();
    const { ended } = proposals.add(3, new Uint8Array(1), 1, 0);
    const messageId = one.own.messageId(3);
    one.receive(entry(1, { messageId, subject: "usergrade.v1.set.b" }));
    one.receive(entry(2, { messageId: "another:3" }));
    one.receive(entry(3, { messageId }));
    one.receive(entry(4, { messageId }));
    assert.deepEqual(
      one.take().read.entries.map((
        { batch, payload },
      ) => [batch, payload?.length]),
      [[undefined, 7], [undefined, 7], [3, undefined], [undefined, 7]],
    );
    await ended;
  },
});

Deno.test({
  name:
    "EntryFeed stops before an entry of a later version, and feeds one of no version without bytes",
  permissions,
  fn: () => {
    const { feed: one } = feed();
    assert.equal(one.receive(entry(1, { subject: "usergrade.x.set.b" })), "ok");
    assert.equal(one.take().read.entries[0].payload?.length, 0);
    assert.equal(
      one.receive(entry(2, { subject: "usergrade.v3.set.b" })),
      "unknown_version",
    );
    assert.equal(one.fed, 1);
  },
});

Deno.test({
  name:
    "EntryFeed remembers the last entry's identity, and where more is asked for",
  permissions,
  fn: () => {
    const { feed: one } = feed();
    assert.equal(one.last, undefined);
    one.startAfter(4, "t4");
    assert.deepEqual(one.last, { sequence: 4, time: "t4" });
    one.receive(entry(5, { messageId: "x:1" }));
    assert.deepEqual(one.last, {
      sequence: 5,
      time: "2023-11-14T22:13:20.000000005Z",
      messageId: "x:1",
      subject: SUBJECT,
      data: new TextEncoder().encode("entry 5"),
    });
    one.take();
    one.receive(heartbeat(5, "more.please"));
    assert.ok(!one.isEmpty);
    assert.equal(one.take().flowReply, "more.please");
  },
});

function fence(sequence: number, healed_to: number): FeedMessage {
  const payload = { healed_to, digest: "0123456789abcdef" };
  return {
    ...entry(sequence, { subject: "usergrade.v2.set.$heal" }),
    data: new TextEncoder().encode(JSON.stringify(payload)),
  };
}

Deno.test({
  name:
    "EntryFeed feeds a mark as what it is, knows it as the last entry, and feeds what only looks like one without bytes",
  permissions,
  fn: () => {
    const { feed: one } = feed();
    one.startAfter(5, "t5");
    one.noteExtent({ firstSequence: 6, lastSequence: 9 });
    assert.equal(one.receive(fence(6, 5)), "ok");
    assert.equal(one.last?.sequence, 6);
    assert.equal(one.fed, 6);
    // Whoever writes such a one can't make it the first entry of the log.
    assert.equal(one.receive(fence(7, 6)), "ok");
    const noise = { ...fence(8, 5), data: new TextEncoder().encode("noise") };
    assert.equal(one.receive(noise), "ok");
    assert.equal(one.receive(entry(9)), "ok");
    const { entries, bytes } = one.take().read;
    assert.deepEqual(
      entries.map(({ sequence, heal, payload }) => [
        sequence,
        heal,
        payload?.length,
      ]),
      [
        [6, { sequence: 5, digest: "0123456789abcdef" }, undefined],
        [7, undefined, 0],
        [8, undefined, 0],
        [9, undefined, 7],
      ],
    );
    assert.equal(bytes, 4 * 134);
  },
});

Deno.test({
  name: "EntryFeed takes no mark where the log has the entry before it",
  permissions,
  fn: () => {
    for (
      const [first, isMark] of [[1, false], [5, false], [6, true]] as const
    ) {
      const { feed: one } = feed();
      one.startAfter(5, "t5");
      one.noteExtent({ firstSequence: first, lastSequence: 6 });
      assert.equal(one.receive(fence(6, 5)), "ok");
      const [{ heal, payload }] = one.take().read.entries;
      assert.equal(heal !== undefined, isMark);
      assert.equal(payload?.length, isMark ? undefined : 0);
    }
  },
});

Deno.test({
  name:
    "EntryFeed takes no mark that is later than the last look at the stream for what it is or for anything else, unless the log was to begin with it",
  permissions,
  fn: () => {
    const { feed: one } = feed();
    one.startAfter(5, "t5");
    // A server that was behind has answered, or the log was made whole since.
    one.noteExtent({ firstSequence: 1, lastSequence: 5 });
    assert.equal(one.receive(fence(6, 5)), "unproven_mark");
    assert.equal(one.fed, 5);
    one.noteExtent({ firstSequence: 6, lastSequence: 5 });
    assert.equal(one.receive(fence(6, 5)), "ok");
    assert.ok(one.take().read.entries[0].heal);
    // The log may have been emptied behind an entry that the same consumer gave.
    assert.equal(one.receive(fence(7, 6)), "unproven_mark");
    one.noteExtent({ firstSequence: 6, lastSequence: 7 });
    assert.equal(one.receive(fence(7, 6)), "ok");
    assert.equal(one.take().read.entries[0].heal, undefined);
  },
});

Deno.test({
  name:
    "EntryFeed takes no entry that says that it follows another one than was fed last, before a look has shown that one in the log",
  permissions,
  fn: () => {
    for (
      const [after, signal] of [["", "ok"], ["t5", "ok"], [
        "t0",
        "gap",
      ]] as const
    ) {
      const { feed: one } = feed();
      const header = (name: string) => name === AFTER ? after : "";
      const receive = () => one.receive({ ...entry(6), header });
      for (const [firstSequence, lastSequence] of [[1, 5], [6, 5], [6, 6]]) {
        one.startAfter(5, "t5");
        one.noteExtent({ firstSequence, lastSequence });
        assert.equal(receive(), signal);
      }
      one.startAfter(5, "t5");
      one.noteExtent({ firstSequence: 5, lastSequence: 6 });
      assert.equal(receive(), "ok");
    }
  },
});

Deno.test({
  name: "EntryFeed stops before a pending fence, whatever comes after it",
  permissions,
  fn: () => {
    const { feed: one } = feed();
    one.receive(entry(1));
    for (const healedTo of [2, 9]) {
      assert.equal(one.receive(fence(2, healedTo)), "fence");
    }
    assert.equal(one.receive(entry(3)), "gap");
    assert.equal(one.fed, 1);
  },
});

Deno.test({
  name:
    "EntryFeed remembers when the log took each entry, of those after where it goes on",
  permissions,
  fn: () => {
    const { feed: one } = feed();
    for (const sequence of [1, 2, 3]) one.receive(entry(sequence));
    assert.equal(one.times.at(2), "2023-11-14T22:13:20.000000002Z");
    assert.equal(one.times.at(3), one.last?.time);
    one.startAfter(7, "t7");
    assert.equal(one.times.at(2), undefined);
    one.receive(entry(8));
    assert.equal(one.times.at(8), one.last?.time);
    assert.equal(one.times.at(7), undefined);
  },
});

Deno.test({
  name: "EntryFeed ignores what only looks like an entry",
  permissions,
  fn: () => {
    const { feed: one } = feed();
    for (
      const reply of [
        "$JS.ACK.",
        "$JS.ACK.x",
        "$JS.ACK.S.C.1.one.1.1700000000000000001.0",
        "$JS.ACK.S.C.1.1.1.never.0",
        "$JS.ACK.S.C.1.1.1..0",
      ]
    ) assert.equal(one.receive({ ...entry(1), reply }), "ok", reply);
    assert.ok(one.isEmpty);
  },
});
