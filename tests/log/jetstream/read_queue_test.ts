import assert from "node:assert/strict";
import fc from "fast-check";
import {
  READ_ENTRIES_MAX,
  READ_PAYLOAD_BYTES_MAX,
  ReadQueue,
} from "../../../src/log/jetstream/read_queue.ts";
import { formatDelivered } from "../../../src/log/jetstream/delivery.ts";
import type { LogEntry } from "../../../src/log/log.ts";

const permissions = "none";

/** A payload that is part of a larger buffer, as it comes over a connection. */
function payload(bytes: number, fill: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes + 8).fill(fill).subarray(8);
}

/** Adds an entry with so many bytes, or an own batch. */
function add(
  queue: ReadQueue,
  sequence: number,
  bytes: number | undefined,
): LogEntry {
  const nanoseconds = 1_000 * sequence;
  const delivery = {
    sequence,
    seconds: 1_700_000_000,
    nanoseconds,
    pending: 0,
  };
  const content = bytes === undefined ? sequence : payload(bytes, sequence);
  queue.add(delivery, content, 10);
  const time = formatDelivered(delivery.seconds, nanoseconds);
  return typeof content === "number"
    ? { sequence, time, batch: content }
    : { sequence, time, payload: content };
}

/** What happens to a queue: an entry comes, an answer is wanted, one is taken. */
const events = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.option(fc.nat(300), { nil: undefined }) },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 50_000, max: 2 * READ_PAYLOAD_BYTES_MAX }),
    },
    { weight: 1, arbitrary: fc.constant("answer" as const) },
    { weight: 1, arbitrary: fc.constant("take" as const) },
  ),
  { maxLength: 100 },
);

Deno.test({
  name:
    "ReadQueue gives all entries in their order, in bounded reads with a buffer each, and asks for an answer after all that came before",
  permissions,
  fn: () => {
    fc.assert(fc.property(events, (events) => {
      const queue = new ReadQueue();
      const added: LogEntry[] = [];
      const taken: LogEntry[] = [];
      let bytes = 0;
      let wanted: { reply: string; after: number } | undefined;
      const take = () => {
        const { read: { entries, bytes: logBytes }, flowReply } = queue.take();
        const payloads = entries.flatMap(({ payload }) => payload ?? []);
        const total = payloads.reduce((sum, { length }) => sum + length, 0);
        assert.ok(entries.length <= READ_ENTRIES_MAX);
        assert.ok(total <= READ_PAYLOAD_BYTES_MAX || payloads.length === 1);
        for (const { buffer } of payloads) {
          assert.equal(buffer, payloads[0].buffer);
          assert.ok(buffer.byteLength <= 2 * total);
        }
        taken.push(...entries);
        bytes += logBytes;
        if (flowReply !== undefined && flowReply === wanted?.reply) {
          assert.ok(taken.length >= wanted.after);
          wanted = undefined;
        }
      };
      for (const event of events) {
        if (event === "take") take();
        else if (event === "answer") {
          wanted = { reply: `r${added.length}`, after: added.length };
          queue.answerLater(wanted.reply);
        } else {
          added.push(add(queue, added.length + 1, event));
        }
      }
      while (!queue.isEmpty) take();
      assert.deepEqual(taken, added);
      assert.equal(bytes, 10 * added.length);
      assert.equal(wanted, undefined);
    }));
  },
});

Deno.test({
  name: "ReadQueue begins another read after the most entries of one",
  permissions,
  fn: () => {
    const queue = new ReadQueue();
    for (let i = 1; i <= READ_ENTRIES_MAX + 1; i++) add(queue, i, 1);
    assert.equal(queue.take().read.entries.length, READ_ENTRIES_MAX);
    assert.equal(queue.take().read.entries.length, 1);
    assert.ok(queue.isEmpty);
    add(queue, 1, 1);
    queue.clear();
    assert.deepEqual(queue.take().read, { entries: [], bytes: 0 });
  },
});
