import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type AppliedLog,
  judge,
  questionFor,
} from "../../../src/log/jetstream/same_log.ts";
import { newStreamConfig } from "../../../src/log/jetstream/stream_config.ts";
import type {
  StoredEntry,
  StreamLook,
} from "../../../src/log/jetstream/stream_look.ts";
import type { Verdict } from "../../../src/log/jetstream/verdict.ts";
import type { Fence, LogLoss } from "../../../src/log/healable_log.ts";

const permissions = "none";

const ID = "0123456789abcdef";
const DIGEST = "d".repeat(16);
/** The time of an entry; later ones of the same history have later times. */
function timeOf(sequence: number, history = "a"): string {
  return `t${String(sequence).padStart(4, "0")}${history}`;
}

function stored(sequence: number, others: Partial<StoredEntry> = {}) {
  return {
    sequence,
    time: timeOf(sequence),
    messageId: `m:${sequence}`,
    subject: "usergrade.v1.set.a",
    data: new Uint8Array(0),
    ...others,
  };
}

const LAST: StoredEntry = stored(7);
const APPLIED: AppliedLog = {
  id: ID,
  created: "c",
  fed: 7,
  last: LAST,
  times: { at: (sequence) => sequence <= 7 ? timeOf(sequence) : undefined },
  hasLost: false,
};
const NOTHING: Partial<AppliedLog> = {
  fed: 0,
  last: undefined,
  times: { at: () => undefined },
};
const FORGOTTEN: Partial<AppliedLog> = { times: { at: () => undefined } };
const CONFIG = newStreamConfig("USERGRADE", 1, ID);
const LOOK: StreamLook = {
  created: "c",
  config: CONFIG,
  maxPayload_bytes: 1024 * 1024,
  firstSequence: 1,
  lastSequence: 9,
  bytes: 900,
  identified: LAST,
  isRequiredMissing: false,
  fences: [],
};
/** A stream whose description someone has rewritten. */
const NAMELESS = { ...CONFIG, description: "ours" };
const OTHER = newStreamConfig("USERGRADE", 1, "f".repeat(16));
const BY_NAME = "USERGRADE@c";

/** A fence or a mark that was written late. */
function fence(at: number, sequence: number, time = "t9000"): Fence {
  return { at, sequence, digest: DIGEST, time };
}

/** A fence in a stream that does not tell its id. */
const FENCED_BY_HAND: Partial<StreamLook> = {
  config: NAMELESS,
  created: "later",
  lastSequence: 6,
  fences: [fence(6, 7)],
  beforeFence: stored(5),
};

type Case = [
  name: string,
  look: Partial<StreamLook> | undefined,
  applied: Partial<AppliedLog>,
];

function verdictOf([, look, applied]: Case): Verdict {
  return judge(look && { ...LOOK, ...look }, { ...APPLIED, ...applied });
}

Deno.test({
  name:
    "judge() goes by the log's id and the entries, not by when the stream was created",
  permissions,
  fn: () => {
    const same: [...Case, lostId: boolean][] = [
      ["nothing has changed", {}, {}, false],
      ["put back from a copy", { created: "later" }, {}, false],
      [
        "the last entry is gone",
        { created: "later", identified: undefined },
        {},
        false,
      ],
      [
        "made anew, and nothing is applied",
        { created: "later", lastSequence: 0, identified: undefined },
        NOTHING,
        false,
      ],
      ["the id is lost, an entry proves it", { config: NAMELESS }, {}, true],
      [
        "the same in a copy",
        { config: NAMELESS, created: "later" },
        {},
        true,
      ],
      [
        "the id is lost, the time proves it",
        { config: NAMELESS, identified: undefined },
        {},
        true,
      ],
      [
        "a log without an id of its own",
        { config: NAMELESS, created: "later" },
        { id: BY_NAME },
        false,
      ],
      ["a log that got an id", {}, { id: BY_NAME }, false],
      [
        "another log, and nothing is applied",
        { config: OTHER, created: "later", identified: undefined },
        NOTHING,
        false,
      ],
      [
        "all entries were let go of",
        { firstSequence: 8, lastSequence: 7, identified: undefined },
        {},
        false,
      ],
      [
        "it has its mark",
        { firstSequence: 8, identified: undefined, fences: [fence(8, 7)] },
        { hasLost: true },
        false,
      ],
      [
        "its only entry is the last one that is applied",
        { firstSequence: 7, lastSequence: 7 },
        { hasLost: true },
        false,
      ],
      [
        "it was lost before anything was applied, and is there again",
        { lastSequence: 0, identified: undefined },
        { ...NOTHING, hasLost: true },
        false,
      ],
      [
        "the fence of its own past, which it has passed",
        { fences: [fence(4, 5, timeOf(6))] },
        {},
        false,
      ],
    ];
    for (const [name, look, applied, lostId] of same) {
      assert.deepEqual(
        verdictOf([name, look, applied]),
        { type: "same", lostId },
        name,
      );
    }
  },
});

Deno.test({
  name: "judge() tells what is lost of a log, and from where to where it goes",
  permissions,
  fn: () => {
    const losses: [...Case, Partial<LogLoss>, RegExp][] = [
      [
        "gone",
        undefined,
        {},
        { type: "gone", firstSequence: 1, lastSequence: 0 },
        /is gone/,
      ],
      [
        "gone before anything was applied",
        undefined,
        NOTHING,
        { type: "gone" },
        /is gone/,
      ],
      [
        "a tail",
        { lastSequence: 6, identified: stored(6) },
        {},
        { type: "tail", firstSequence: 1, lastSequence: 6 },
        /ends at 6, this replica at 7/,
      ],
      [
        "a tail beyond what is remembered",
        { lastSequence: 6, identified: stored(6) },
        FORGOTTEN,
        { type: "tail" },
        /ends at 6/,
      ],
      [
        "made anew under the same id",
        { created: "later", lastSequence: 0, identified: undefined },
        {},
        { type: "tail", lastSequence: 0 },
        /ends at 0/,
      ],
      [
        "an older copy with a fence of the own past",
        {
          lastSequence: 5,
          identified: stored(5, { time: timeOf(5, "void") }),
          fences: [fence(4, 6, timeOf(6))],
          beforeFence: stored(3),
        },
        {},
        { type: "tail", lastSequence: 5 },
        /ends at 5/,
      ],
      [
        "an older copy with a mark of the own past",
        {
          lastSequence: 6,
          identified: stored(6),
          fences: [{ ...fence(5, 4), time: timeOf(5) }],
        },
        {},
        { type: "tail" },
        /ends at 6/,
      ],
      [
        "another log",
        { config: OTHER },
        {},
        { type: "other_log" },
        /another log: f{16} and not 0123456789abcdef/,
      ],
      [
        "made anew by hand",
        { config: NAMELESS, created: "later", identified: undefined },
        {},
        { type: "other_log" },
        /made anew/,
      ],
      [
        "made anew by hand, and shorter",
        {
          config: NAMELESS,
          created: "later",
          lastSequence: 0,
          identified: undefined,
        },
        {},
        { type: "other_log" },
        /made anew/,
      ],
      [
        "a fence behind what is applied",
        {
          lastSequence: 6,
          identified: stored(6, { time: "t9000" }),
          fences: [fence(6, 7)],
          beforeFence: stored(5),
        },
        {},
        { type: "fenced", lastSequence: 6, fence: fence(6, 7) },
        /fence 6 .* up to entry 7/,
      ],
      [
        "a fence in a log that was made anew by hand",
        { ...FENCED_BY_HAND, beforeFence: undefined },
        {},
        { type: "other_log" },
        /made anew/,
      ],
      [
        "the same, and its entry is not remembered",
        FENCED_BY_HAND,
        FORGOTTEN,
        { type: "other_log" },
        /made anew/,
      ],
      [
        "a fence in a log that was put back by hand, an entry proves it",
        FENCED_BY_HAND,
        {},
        { type: "fenced" },
        /fence 6/,
      ],
      [
        "the same, and the last entry is all that is remembered",
        { ...FENCED_BY_HAND, fences: [fence(8, 9)], beforeFence: LAST },
        FORGOTTEN,
        { type: "fenced" },
        /fence 8/,
      ],
      [
        "a fence, and void entries beyond its end",
        {
          lastSequence: 9,
          identified: stored(7, { time: "t9001" }),
          fences: [fence(6, 7)],
          beforeFence: stored(5),
        },
        {},
        { type: "fenced", fence: fence(6, 7) },
        /fence 6/,
      ],
      [
        "a fence after one of the own past",
        {
          lastSequence: 5,
          identified: stored(5, { time: "t9000" }),
          fences: [fence(4, 6, timeOf(6)), fence(5, 7)],
          beforeFence: stored(3),
        },
        {},
        { type: "fenced", fence: fence(5, 7) },
        /fence 5/,
      ],
      [
        "moved and without a mark",
        { firstSequence: 8, lastSequence: 7, identified: undefined },
        { hasLost: true },
        { type: "unmarked", firstSequence: 8, lastSequence: 7 },
        /begins after entry 7/,
      ],
    ];
    for (const [name, look, applied, loss, reason] of losses) {
      const verdict = verdictOf([name, look, applied]);
      assert.ok(verdict.type === "lost", name);
      assert.match(verdict.loss.reason, reason, name);
      assert.deepEqual({ ...verdict.loss, ...loss }, verdict.loss, name);
      assert.ok(!verdict.isReadable, name);
    }
  },
});

Deno.test({
  name:
    "judge() lets what stands before the first pending fence be read, where it is all there",
  permissions,
  fn: () => {
    const look = {
      lastSequence: 12,
      fences: [fence(9, 20), fence(12, 30)],
      beforeFence: LAST,
    };
    const readable: [...Case, boolean][] = [
      ["entry 8 is next, fence 9 after it", look, {}, true],
      [
        "nothing is applied",
        { ...look, beforeFence: undefined },
        NOTHING,
        true,
      ],
      ["the fence is next", { ...look, fences: [fence(8, 20)] }, {}, false],
      ["entry 8 is gone", { ...look, firstSequence: 9 }, {}, false],
      ["entry 8 was deleted", { ...look, isRequiredMissing: true }, {}, false],
    ];
    for (const [name, look, applied, isReadable] of readable) {
      const verdict = verdictOf([name, look, applied]);
      assert.ok(verdict.type === "lost", name);
      assert.equal(verdict.isReadable, isReadable, name);
    }
  },
});

Deno.test({
  name:
    "judge() tells a log that has another entry where this replica has applied one, or that says it is void",
  permissions,
  fn: () => {
    const other = (sequence: number) =>
      stored(sequence, { time: timeOf(sequence, "b") });
    const late = stored(6, { time: "t9000" });
    const forks: [...Case, RegExp][] = [
      ["the last entry's time", { identified: other(7) }, {}, /entry 7 is ano/],
      [
        "the last entry's message id",
        { identified: { ...LAST, messageId: "n:7" } },
        {},
        /entry 7 is another/,
      ],
      [
        "the stream's last entry",
        { lastSequence: 6, identified: other(6) },
        {},
        /entry 6 is another/,
      ],
      [
        "the stream's last entry was written after ours, which is all that is remembered",
        { lastSequence: 6, identified: late },
        FORGOTTEN,
        /entry 6 is another/,
      ],
      [
        "a mark that it does not know",
        { lastSequence: 6, identified: undefined, fences: [fence(5, 4)] },
        {},
        /entry 5 is another/,
      ],
      [
        "a fence before its end",
        { lastSequence: 5, fences: [fence(5, 6)], beforeFence: stored(4) },
        {},
        /nothing after entry 6 counts.*up to 7/,
      ],
      [
        "another message id before a fence",
        {
          fences: [fence(8, 9)],
          beforeFence: { ...LAST, messageId: "n:7" },
        },
        {},
        /entry 7 is another/,
      ],
      [
        "another entry before a fence",
        { lastSequence: 5, fences: [fence(5, 9)], beforeFence: other(4) },
        {},
        /entry 4 is another/,
      ],
    ];
    for (const [name, look, applied, reason] of forks) {
      const verdict = verdictOf([name, look, applied]);
      assert.ok(verdict.type === "forked", name);
      assert.match(verdict.reason, reason, name);
    }
  },
});

Deno.test({
  name: "judge() tells a hole before the next entry",
  permissions,
  fn: () => {
    const holes: [...Case, RegExp][] = [
      [
        "it was cut",
        { firstSequence: 9, identified: undefined },
        {},
        /needs entry 8/,
      ],
      [
        "it was deleted",
        { isRequiredMissing: true },
        {},
        /8 was deleted.*PEERS/,
      ],
      [
        "it was cut directly after what is applied, and others have written since",
        { firstSequence: 8, identified: undefined },
        {},
        /begins with entry 8 now, .* entry 7 that was applied came before it/,
      ],
      [
        "the same, of which only the sequence is known",
        { firstSequence: 8, identified: undefined, fences: [fence(3, 2)] },
        { ...FORGOTTEN, last: undefined },
        /begins with entry 8 now/,
      ],
      [
        "it was made whole from a fuller state",
        { firstSequence: 9, identified: undefined, fences: [fence(9, 8)] },
        { hasLost: true },
        /needs entry 8/,
      ],
    ];
    for (const [name, look, applied, reason] of holes) {
      const verdict = verdictOf([name, look, applied]);
      assert.ok(verdict.type === "hole", name);
      assert.match(verdict.reason, reason);
      assert.equal(verdict.missing, 8);
    }
    // Its first entry says what it follows.
    const required = (after: string) => ({ ...stored(8), after });
    const follows = (after: string) =>
      judge({
        ...LOOK,
        firstSequence: 8,
        identified: undefined,
        required: required(after),
      }, APPLIED).type;
    assert.equal(follows(APPLIED.last!.time), "same");
    assert.equal(follows("2026-01-01T00:00:00.000000000Z"), "hole");
    // A look without its entries does not know whether it begins with a mark.
    const { fences: _, ...look } = LOOK;
    assert.equal(judge({ ...look, firstSequence: 8 }, APPLIED).type, "same");
  },
});

/** What a stream with these entries answers, its first one at 1. */
function lookAt(entries: readonly string[], fed: number): Partial<StreamLook> {
  const at = Math.min(fed, entries.length);
  return {
    lastSequence: entries.length,
    identified: at === 0
      ? undefined
      : stored(at, { time: entries[at - 1], messageId: "" }),
  };
}

Deno.test({
  name:
    "judge() never takes a prefix of what was applied for another log, and always one that went on otherwise",
  permissions,
  fn: () => {
    const sizes = fc.record({
      fed: fc.integer({ min: 1, max: 30 }),
      kept: fc.integer({ min: 0, max: 30 }),
      written: fc.integer({ min: 0, max: 30 }),
      remembered: fc.integer({ min: 0, max: 30 }),
    });
    fc.assert(fc.property(sizes, ({ fed, kept, written, remembered }) => {
      const own = Array.from({ length: fed }, (_, i) => timeOf(i + 1));
      const prefix = own.slice(0, kept);
      // Others write later: after all that this replica has applied.
      const entries = [
        ...prefix,
        ...Array.from({ length: written }, (_, i) => timeOf(100 + i, "b")),
      ];
      const verdict = verdictOf(["", lookAt(entries, fed), {
        fed,
        last: { sequence: fed, time: own[fed - 1], messageId: "" },
        times: {
          at: (sequence) =>
            sequence > fed - remembered ? own[sequence - 1] : undefined,
        },
      }]);
      const isForeign = prefix.length < fed && written > 0;
      const type = isForeign ? "forked" : kept < fed ? "lost" : "same";
      assert.equal(verdict.type, type);
    }));
  },
});

Deno.test({
  name:
    "questionFor() asks for the last entry fed, the one after it, and the fences",
  permissions,
  fn: () => {
    assert.deepEqual(questionFor(APPLIED), {
      identify: 7,
      require: 8,
      fences: true,
    });
    assert.deepEqual(questionFor({ ...APPLIED, last: undefined }), {
      identify: undefined,
      require: 8,
      fences: true,
    });
  },
});
