import assert from "node:assert/strict";
import type { UserGrade, UserGradePatch } from "../../src/user_grade.ts";
import { check, type Violation } from "./checker.ts";
import type {
  FinalState,
  GetRecord,
  History,
  KeptSnapshot,
  MarkedPatch,
  RequestedSnapshot,
  SetRecord,
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
const ENTRIES: UserGradePatch[][] = [[PATCHES[0]], [PATCHES[1]], [PATCHES[2]]];

function grade(user_id: string, spp: number, return_fee: number): UserGrade {
  return { user_id, postpaid_limit: 0, spp, shipping_fee: 0, return_fee };
}

const GRADES = [grade("a", 5, 1), grade("b", 0, 2), grade("a", 0, 3)];

function set(index: number, change: Partial<SetRecord> = {}): SetRecord {
  return {
    replica: index % 2,
    patch: PATCHES[index],
    asked_ms: 10 * index,
    answered_ms: 10 * index + 5,
    outcome: index < 3
      ? { type: "acknowledged", sequence: index + 1, grade: GRADES[index] }
      : { type: index === 3 ? "refused" : "unknown" },
    ...change,
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
  sets?: SetRecord[];
  gets?: GetRecord[];
  snapshots?: RequestedSnapshot[];
  kept?: KeptSnapshot[];
  entries?: UserGradePatch[][];
  finals?: FinalState[];
}

function promisesBroken(
  {
    sets = PATCHES.map((_, index) => set(index)),
    gets = GETS,
    snapshots = [{ replica: 0, asked_ms: 26, sequence: 3, rows: 2 }],
    kept = KEPT,
    entries = ENTRIES,
    finals,
  }: Case,
): Violation["promise"][] {
  const history: History = { sets, gets, snapshots };
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
  const broken = check(history, log, ends, kept).map(({ promise }) => promise);
  return [...new Set(broken)];
}

/** The usual sets with one of them changed. */
function but(index: number, change: Partial<SetRecord>): SetRecord[] {
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
    "an entry without fields that makes a user",
    ["the log holds what was sent"],
    { entries: [...ENTRIES, [{ user_id: "c" }]] },
  ],
  [
    "an acknowledged set that is lost",
    ["acknowledged sets are stored"],
    { entries: ENTRIES.slice(0, 2), gets: [], snapshots: [], kept: [] },
  ],
  [
    "an acknowledged set that is at another sequence",
    ["acknowledged sets are stored"],
    {
      sets: but(1, {
        outcome: { type: "acknowledged", sequence: 3, grade: GRADES[1] },
        answered_ms: 100,
      }),
    },
  ],
  [
    "an answer that is not the record after the set",
    ["a set's answer is the record right after it"],
    {
      sets: but(2, {
        outcome: { type: "acknowledged", sequence: 3, grade: GRADES[0] },
      }),
    },
  ],
  [
    "a 503 that is stored",
    ["refused sets are not stored"],
    { entries: [...ENTRIES, [PATCHES[3]]] },
  ],
  [
    "a set of unknown outcome that is stored twice",
    ["no set is stored twice"],
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
    { sets: but(0, { asked_ms: 16, answered_ms: 17 }), gets: [] },
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

for (const [name, flagged, given] of CASES) {
  Deno.test({
    name: `check() ${flagged.length === 0 ? "accepts" : "flags"} ${name}`,
    permissions: "none",
    fn: () => assert.deepEqual(promisesBroken(given), flagged),
  });
}
