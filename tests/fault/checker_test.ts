import assert from "node:assert/strict";
import type { UserChange, UserGrade } from "../../src/user_grade.ts";
import { check, type Violation } from "./checker.ts";
import type {
  ChangeRecord,
  FinalState,
  GetRecord,
  History,
  KeptSnapshot,
  MarkedPatch,
  RequestedSnapshot,
  WatchRecord,
} from "./history.ts";
import { LogModel } from "./log_model.ts";

// Two users, three entries. Set 4 got a 503 and set 5 a 504 that never came.
const PATCHES: MarkedPatch[] = [
  { user_id: "a", spp: 5, return_fee: 1 },
  { user_id: "b", return_fee: 2 },
  { user_id: "a", spp: 0, return_fee: 3 },
  { user_id: "b", spp: 9, return_fee: 4 },
  { user_id: "b", spp: 8, return_fee: 5 },
];
const ENTRIES: UserChange[][] = [[PATCHES[0]], [PATCHES[1]], [PATCHES[2]]];

function grade(user_id: string, spp: number, return_fee: number): UserGrade {
  return { user_id, postpaid_limit: 0, spp, shipping_fee: 0, return_fee };
}

const GRADES = [grade("a", 5, 1), grade("b", 0, 2), grade("a", 0, 3)];

function set(index: number, other: Partial<ChangeRecord> = {}): ChangeRecord {
  return {
    replica: index % 2,
    change: PATCHES[index],
    asked_ms: 10 * index,
    answered_ms: 10 * index + 5,
    outcome: index < 3
      ? { type: "acknowledged", sequence: index + 1, left: GRADES[index] }
      : { type: index === 3 ? "refused" : "unknown" },
    ...other,
  };
}

function get(asked_ms: number, found: GetRecord["found"]): GetRecord {
  return { replica: 0, user: "a", asked_ms, answered_ms: asked_ms + 1, found };
}

const GETS = [
  get(1, undefined),
  get(6, { sequence: 1, grade: GRADES[0] }),
  get(26, { sequence: 3, grade: GRADES[2] }),
];

const KEPT: KeptSnapshot[] = [
  { name: "older", sequence: 2, users: [GRADES[1], GRADES[0]] },
  { name: "newer", sequence: 3, users: [GRADES[2], GRADES[1]] },
];

function final(replica: number, change: Partial<FinalState> = {}): FinalState {
  return {
    replica,
    sequence: 3,
    digest: new LogModel(ENTRIES).digest,
    users: new Map([["a", GRADES[2]], ["b", GRADES[1]], ["c", undefined]]),
    ...change,
  };
}

interface Case {
  changes?: ChangeRecord[];
  gets?: GetRecord[];
  snapshots?: RequestedSnapshot[];
  kept?: KeptSnapshot[];
  entries?: UserChange[][];
  finals?: FinalState[];
  watches?: WatchRecord[];
  losses?: number;
}

function promisesBroken(
  {
    changes = PATCHES.map((_, index) => set(index)),
    gets = GETS,
    snapshots = [{ replica: 0, asked_ms: 26, sequence: 3, rows: 2 }],
    kept = KEPT,
    entries = ENTRIES,
    finals,
    watches = [],
    losses = 0,
  }: Case,
): Violation["promise"][] {
  const history: History = { changes, gets, snapshots, watches };
  const log = new LogModel(entries);
  const ends = finals ?? [0, 1].map((replica) =>
    final(replica, {
      sequence: log.lastSequence,
      digest: log.digest,
      users: new Map(["a", "b", "c"].map((user) => [
        user,
        log.at(user, log.lastSequence),
      ])),
    })
  );
  const broken = check(history, log, ends, kept, losses).map(({ promise }) =>
    promise
  );
  return [...new Set(broken)];
}

/** The usual sets with one of them changed. */
function but(index: number, change: Partial<ChangeRecord>): ChangeRecord[] {
  return PATCHES.map((_, i) => set(i, i === index ? change : {}));
}

const CASES: [name: string, flagged: Violation["promise"][], Case][] = [
  ["a history that keeps all promises", [], {}],
  [
    "a set of unknown outcome that is stored once",
    [],
    { entries: [...ENTRIES, [PATCHES[4]]] },
  ],
  [
    "an entry that tries whether sets commit",
    [],
    { entries: [...ENTRIES, [{ user_id: "a" }], [{ user_id: "a" }]] },
  ],
  [
    "a log that is healed after a loss",
    [],
    { entries: [...ENTRIES, []], losses: 1 },
  ],
  [
    "a log that is healed where nothing was lost",
    ["a log is healed no more often than it has lost something"],
    { entries: [...ENTRIES, []] },
  ],
  [
    "an entry without fields that makes a user",
    ["the log holds what was sent"],
    { entries: [...ENTRIES, [{ user_id: "c" }]] },
  ],
  [
    "an acknowledged set that is lost",
    ["acknowledged changes are stored"],
    { entries: ENTRIES.slice(0, 2), gets: [], snapshots: [], kept: [] },
  ],
  [
    "an acknowledged set that is at another sequence",
    ["acknowledged changes are stored"],
    {
      changes: but(1, {
        outcome: { type: "acknowledged", sequence: 3, left: GRADES[1] },
        answered_ms: 100,
      }),
    },
  ],
  [
    "an answer that is not the record after the set",
    ["a change's answer is what it left"],
    {
      changes: but(2, {
        outcome: { type: "acknowledged", sequence: 3, left: GRADES[0] },
      }),
    },
  ],
  [
    "a 503 that is stored",
    ["refused changes are not stored"],
    { entries: [...ENTRIES, [PATCHES[3]]] },
  ],
  [
    "a set of unknown outcome that is stored twice",
    ["no change is stored twice"],
    { entries: [...ENTRIES, [PATCHES[4]], [PATCHES[4]]] },
  ],
  [
    "a set in the log that nobody sent",
    ["the log holds what was sent"],
    { entries: [...ENTRIES, [{ user_id: "b", spp: 7 }]] },
  ],
  [
    "a set that is changed on its way",
    ["the log holds what was sent"],
    { entries: [...ENTRIES, [{ ...PATCHES[4], spp: 7 }]] },
  ],
  [
    "a set that comes before what was acknowledged when it was sent",
    ["the log keeps the order of time"],
    { changes: but(0, { asked_ms: 16, answered_ms: 17 }), gets: [] },
  ],
  [
    "a get of a record that was not so at its sequence",
    ["a get's answer is the record at its sequence"],
    { gets: [get(6, { sequence: 2, grade: GRADES[2] })] },
  ],
  [
    "a get at a sequence that the log never had",
    ["a get's answer is the record at its sequence"],
    { gets: [get(26, { sequence: 4, grade: GRADES[2] })] },
  ],
  [
    "a get that goes behind an earlier get",
    ["gets never go back"],
    {
      gets: [
        get(26, { sequence: 3, grade: GRADES[2] }),
        get(28, { sequence: 2, grade: GRADES[0] }),
      ],
    },
  ],
  [
    "a get that does not show the replica's own acknowledged set",
    ["gets never go back"],
    { gets: [get(26, { sequence: 2, grade: GRADES[0] })] },
  ],
  [
    "a 404 after the user was there",
    ["gets never go back"],
    { gets: [get(26, undefined)] },
  ],
  [
    "two gets under way at a time that end out of order",
    [],
    {
      gets: [
        { ...get(6, { sequence: 3, grade: GRADES[2] }), answered_ms: 30 },
        { ...get(7, { sequence: 1, grade: GRADES[0] }), answered_ms: 31 },
      ],
    },
  ],
  [
    "a snapshot without what was acknowledged before it was asked for",
    ["a snapshot that is asked for is the state then or later"],
    { snapshots: [{ replica: 0, asked_ms: 26, sequence: 2, rows: 2 }] },
  ],
  [
    "a snapshot with too few users",
    ["a snapshot that is asked for is the state then or later"],
    { snapshots: [{ replica: 0, asked_ms: 26, sequence: 3, rows: 1 }] },
  ],
  [
    "a kept snapshot with an older record",
    ["a kept snapshot is the log's state at its sequence"],
    { kept: [{ ...KEPT[1], users: KEPT[0].users }] },
  ],
  [
    "a kept snapshot beyond the log's end",
    ["a kept snapshot is the log's state at its sequence"],
    { kept: [{ ...KEPT[1], sequence: 4 }] },
  ],
  [
    "a replica with another digest",
    ["all replicas end with the log's state"],
    { finals: [final(0), final(1, { digest: "0000000000000000" })] },
  ],
  [
    "a replica that ends early",
    ["all replicas end with the log's state"],
    { finals: [final(0, { sequence: 2 }), final(1)] },
  ],
  [
    "a replica that ends with another record",
    ["all replicas end with the log's state"],
    { finals: [final(0), final(1, { users: new Map([["a", GRADES[0]]]) })] },
  ],
];

/** The deletion of a user after the usual sets, with its marker or without. */
const DELETED: ChangeRecord = {
  replica: 0,
  change: { user_id: "a", deleted: true, return_fee: 6 },
  asked_ms: 50,
  answered_ms: 55,
  outcome: {
    type: "acknowledged",
    sequence: 4,
    left: { user_id: "a", deleted: true, existed: true },
  },
};
const DELETION: UserChange[] = [
  { user_id: "a", deleted: true },
  { user_id: "deletion 6", deleted: true },
];
const SETS = PATCHES.map((_, index) => set(index));

/** What a watcher is told of the usual sets and the deletion. */
const TOLD: WatchRecord = {
  users: undefined,
  after: 1,
  entries: [
    { sequence: 2, events: [{ name: "set", data: GRADES[1] }] },
    { sequence: 3, events: [{ name: "set", data: GRADES[2] }] },
    {
      sequence: 4,
      events: ["a", "deletion 6"].map((user_id) => ({
        name: "delete",
        data: { user_id },
      })),
    },
  ],
  told: 4,
};
const TWICE = "a watcher is told each change once, in the log's order";

function watched(other: Partial<WatchRecord>): Case {
  return {
    changes: [...SETS, DELETED],
    entries: [...ENTRIES, DELETION],
    watches: [{ ...TOLD, ...other }],
  };
}

CASES.push(
  [
    "a deletion, and a 404 and a get of nobody after it",
    [],
    {
      ...watched({}),
      gets: [get(56, undefined), get(57, { sequence: 4, grade: null })],
    },
  ],
  [
    "a 404 before a deletion was answered",
    [],
    { ...watched({}), gets: [get(26, undefined)] },
  ],
  [
    "a deletion that is lost",
    ["acknowledged changes are stored"],
    { changes: [...SETS, DELETED] },
  ],
  [
    "a deletion that is stored twice",
    ["no change is stored twice"],
    {
      changes: [...SETS, DELETED],
      entries: [...ENTRIES, DELETION, DELETION],
    },
  ],
  [
    "a deletion that nobody sent",
    ["the log holds what was sent"],
    { entries: [...ENTRIES, [{ user_id: "a", deleted: true }]] },
  ],
  [
    "a record that is got after its deletion",
    ["a get's answer is the record at its sequence"],
    { ...watched({}), gets: [get(56, { sequence: 4, grade: GRADES[2] })] },
  ],
  [
    "an entry without fields that makes a deleted user again",
    ["the log holds what was sent"],
    {
      changes: [...SETS, DELETED],
      entries: [...ENTRIES, DELETION, [{ user_id: "a" }]],
    },
  ],
  [
    "a watcher of one user",
    [],
    watched({
      users: ["a"],
      after: 3,
      entries: [{
        sequence: 4,
        events: [{ name: "delete", data: { user_id: "a" } }],
      }],
    }),
  ],
  [
    "a watcher that is told an entry twice",
    [TWICE],
    watched({ entries: [TOLD.entries[0], ...TOLD.entries] }),
  ],
  [
    "a watcher that misses an entry",
    [TWICE],
    watched({ entries: TOLD.entries.slice(1) }),
  ],
  [
    "a watcher that is told entries out of order",
    [TWICE],
    watched({ entries: TOLD.entries.toReversed() }),
  ],
  [
    "a watcher that is told of a part of an entry",
    [TWICE],
    watched({
      entries: [...TOLD.entries.slice(0, 2), {
        sequence: 4,
        events: TOLD.entries[2].events.slice(0, 1),
      }],
    }),
  ],
  [
    "a watcher that is told of an entry that the log never had",
    [TWICE],
    watched({ told: 5 }),
  ],
);

for (const [name, flagged, given] of CASES) {
  Deno.test({
    name: `check() ${flagged.length === 0 ? "accepts" : "flags"} ${name}`,
    permissions: "none",
    fn: () => assert.deepEqual(promisesBroken(given), flagged),
  });
}
