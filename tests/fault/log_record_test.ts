import assert from "node:assert/strict";
import { LogRecord, NOTHING } from "./log_record.ts";

function newRecord() {
  const surprises: string[] = [];
  return { record: new LogRecord((what) => surprises.push(what)), surprises };
}

Deno.test({
  name: "LogRecord has all entries, whatever the order in which they were read",
  permissions: "none",
  fn: () => {
    const { record, surprises } = newRecord();
    for (const sequence of [2, 1, 4, 2, 3]) {
      record.note(sequence, `[${sequence}]`);
    }
    record.noteFirst(3);
    assert.equal(record.next, 5);
    assert.deepEqual(record.payloads(4), ["[1]", "[2]", "[3]", "[4]"]);
    assert.deepEqual(record.missing(4), []);
    assert.deepEqual(surprises, []);
  },
});

Deno.test({
  name: "LogRecord says that an entry has changed",
  permissions: "none",
  fn: () => {
    const { record, surprises } = newRecord();
    record.note(1, "[1]");
    record.note(1, "[2]");
    assert.deepEqual(surprises, ["entry 1 of the log was [1] and is [2]"]);
  },
});

Deno.test({
  name:
    "LogRecord goes on after entries that were cut, and says that they are missing",
  permissions: "none",
  fn: () => {
    const { record } = newRecord();
    record.note(1, "[1]");
    record.note(5, "[5]");
    record.noteFirst(4);
    assert.equal(record.next, 4);
    record.note(4, "[4]");
    assert.equal(record.next, 6);
    assert.deepEqual(record.missing(6), [2, 3, 6]);
  },
});

Deno.test({
  name:
    "LogRecord forgets what was lost when a log was healed, and takes nothing while it is",
  permissions: "none",
  fn: () => {
    const { record, surprises } = newRecord();
    for (const sequence of [1, 2, 3, 4]) record.note(sequence, `[${sequence}]`);
    const before = record.generation;
    record.pause();
    assert.notEqual(record.generation, before);
    record.note(2, "another one");
    record.noteFirst(9);
    assert.equal(record.next, 5);
    record.healed(3);
    assert.equal(record.next, 4);
    record.note(4, NOTHING);
    record.note(5, "[5]");
    assert.deepEqual(
      record.payloads(5),
      ["[1]", "[2]", "[3]", NOTHING, "[5]"],
    );
    // One healing was lost, and its mark with it.
    record.pause();
    record.healed(7);
    assert.deepEqual(record.payloads(7).slice(4), ["[5]", NOTHING, NOTHING]);
    assert.deepEqual(record.missing(7), []);
    assert.deepEqual(surprises, []);
  },
});
