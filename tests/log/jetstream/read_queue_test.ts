import assert from "node:assert/strict";
import fc from "fast-check";
import {
  READ_ENTRIES_MAX,
  READ_PAYLOAD_BYTES_MAX,
  ReadQueue,
  type WaitingEntry,
} from "../../../src/log/jetstream/read_queue.ts";

const permissions = "none";

/** An entry with so many bytes, or an own batch, which has none. */
function entry(sequence: number, payload_bytes: number | undefined) {
  const time = `t${sequence}`;
  return payload_bytes === undefined ? { sequence, time, batch: sequence } : {
    sequence,
    time,
    // Part of a larger buffer, as it comes over a connection.
    payload: new Uint8Array(payload_bytes + 8).fill(sequence).subarray(8),
  };
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
      const added: WaitingEntry[] = [];
      const taken: WaitingEntry[] = [];
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
          assert.equal(buffer.byteLength, total);
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
          added.push(entry(added.length + 1, event));
          queue.add(added.at(-1)!, 10);
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
    for (let i = 1; i <= READ_ENTRIES_MAX + 1; i++) queue.add(entry(i, 1), 10);
    assert.equal(queue.take().read.entries.length, READ_ENTRIES_MAX);
    assert.equal(queue.take().read.entries.length, 1);
    assert.ok(queue.isEmpty);
    queue.add(entry(1, 1), 10);
    queue.clear();
    assert.deepEqual(queue.take().read, { entries: [], bytes: 0 });
  },
});
