import assert from "node:assert/strict";
import { title, verdict } from "../../../src/http/page/verdict.js";

const ROW = {
  replica_id: "a",
  self: true,
  state: "ready",
  reason: "all entries of the log are applied",
  connected: true,
  log_id: "8f14e45fceea167a",
  equal: true,
  compared_at: null as number | null,
  restore: null as unknown,
};

const CLUSTER = {
  replica_id: "a",
  presence: "on",
  diverged: false,
  stands_alone: null as string | null,
  other_logs: [] as unknown[],
};

const STATUS = {
  state: "ready",
  gets_refused: null as string | null,
  sets_refused: null as string | null,
  leaving: null as string | null,
};

/** Another replica. */
function other(replica_id: string, fields: Partial<typeof ROW> = {}) {
  const compared_at = 12;
  return { ...ROW, replica_id, self: false, compared_at, ...fields };
}

/** What is said of a replica with these others. */
function said(
  others: ReturnType<typeof other>[],
  {
    self = {} as Partial<typeof ROW>,
    cluster = {} as Partial<typeof CLUSTER>,
    status = {} as Partial<typeof STATUS>,
  } = {},
) {
  const row = { ...ROW, ...self };
  const { kind, sentence, notes } = verdict(
    { ...CLUSTER, replicas: [row, ...others], ...cluster },
    { ...STATUS, state: row.state, ...status },
  );
  return {
    kind,
    sentence,
    notes: notes.map((note: { kind: string; text: string }) =>
      `${note.kind}: ${note.text}`
    ),
  };
}

Deno.test("the verdict of equal replicas names what works and at which sequences they were compared", () => {
  assert.deepEqual(said([other("b"), other("c")]), {
    kind: "good",
    sentence: "Gets and sets work.",
    notes: [
      "good: All 3 replicas that are here have equal records, compared at sequence 12.",
    ],
  });
  assert.deepEqual(
    said([other("b"), other("c", { compared_at: 1_234 })]).notes,
    [
      "good: All 3 replicas that are here have equal records, compared at sequences 12 to 1,234.",
    ],
  );
});

Deno.test("the verdict is never good while a replica is gone, and names it", () => {
  const gone = other("c", { state: "gone" });
  assert.deepEqual(said([other("b"), gone]), {
    kind: "busy",
    sentence: "Gets and sets work.",
    notes: [
      "busy: c is gone.",
      "good: a and b have equal records, compared at sequence 12.",
    ],
  });
  const { kind, notes } = said([other("b", { state: "gone" }), gone]);
  assert.equal(kind, "busy");
  assert.deepEqual(notes, ["busy: b and c are gone."]);
});

Deno.test("the verdict calls no replica equal that is still restoring its records", () => {
  const restoring = { state: "restoring", reason: "a snapshot" };
  assert.deepEqual(said([other("b"), other("c", restoring)]).notes, [
    "busy: c is restoring: a snapshot.",
    "good: a and b have equal records, compared at sequence 12.",
  ]);
});

Deno.test("the verdict says that sets are refused and others unknown while the broker is away", () => {
  const reason = "NATS does not answer";
  const unheard = { state: "unknown", reason: "it can't be heard now" };
  assert.deepEqual(
    said([other("b", unheard), other("c", unheard)], {
      self: { connected: false, reason },
      status: { sets_refused: reason },
    }),
    {
      kind: "bad",
      sentence: "Gets work, and sets are refused: NATS does not answer.",
      notes: [
        "unknown: b and c can't be heard from here now, and may be up or not.",
      ],
    },
  );
});

Deno.test("the verdict says what each state means, how far it is, and what to do", () => {
  const sentence = (
    state: string,
    refused: Partial<typeof STATUS>,
    restore: unknown = null,
  ) =>
    said([], { self: { state, reason: "why", restore }, status: refused })
      .sentence;
  const sets = { sets_refused: "why" };
  const all = { ...sets, gets_refused: "why" };
  assert.equal(
    sentence("starting", all),
    "Gets and sets are refused: this replica is starting: why.",
  );
  assert.equal(
    sentence("restoring", all, { rows: 7, percent: 42 }),
    "Gets and sets are refused: this replica is restoring its records (42 %): why.",
  );
  assert.equal(
    sentence("healing", sets),
    "Gets work, and sets are refused: the log has lost changes and is being repaired: why.",
  );
  for (
    const state of ["catching_up", "ahead_of_log", "draining", "forked"]
  ) {
    assert.match(
      sentence(state, sets),
      /^Gets work, .*: (the|this) .*: why\.$/,
    );
  }
  assert.equal(
    sentence("ready", { sets_refused: "memory is full" }),
    "Gets work, and sets are refused: memory is full.",
  );
  assert.equal(
    sentence("ready", {
      sets_refused: "the service is read-only (READ_ONLY=yes)",
    }),
    "Gets work, and sets are refused: the service is read-only (READ_ONLY=yes).",
  );
  const forked = said([], {
    self: { state: "forked", reason: "two histories" },
    status: { sets_refused: "two histories" },
  });
  assert.match(forked.notes[0], /^bad: Save a backup from this replica/);
});

Deno.test("the verdict warns of a stop, of differences, of two logs and of others that are not ready", () => {
  const leaving = said([other("b")], { status: { leaving: "SIGTERM came" } });
  assert.equal(leaving.kind, "busy");
  assert.equal(
    leaving.sentence,
    "Gets and sets work, but not for long: SIGTERM came.",
  );
  const differs = said([other("b", { equal: false })], {
    cluster: { diverged: true, stands_alone: "b" },
  });
  assert.equal(differs.kind, "bad");
  assert.match(differs.notes[0], /^bad: Replica b differs from all others/);
  assert.equal(differs.notes.length, 1);
  const either = said([other("b", { equal: false })], {
    cluster: { diverged: true },
  });
  assert.match(either.notes[0], /can't be told .* \(Two replicas disagree\)/);
  const logs = said([other("b")], {
    cluster: { other_logs: [{ follower: "replica x", log_id: "f00" }] },
  });
  assert.equal(logs.kind, "bad");
  assert.match(
    logs.notes[0],
    /two logs: replica x follows log f00, and this replica log 8f14e45fceea167a/,
  );
  const late = said([
    other("b"),
    other("c", {
      state: "catching_up",
      reason: "entries are applied",
      equal: null as never,
      compared_at: null,
    }),
  ]);
  assert.equal(late.kind, "busy");
  assert.deepEqual(late.notes, [
    "busy: c is catching up: entries are applied.",
    "unknown: a and b have equal records (compared at sequence 12); c is not compared.",
  ]);
});

Deno.test("the verdict of a lone replica says whether others are expected", () => {
  const alone = said([], { cluster: { presence: "standalone" } });
  assert.equal(alone.kind, "good");
  assert.match(alone.notes[0], /^good: This replica is standalone/);
  const first = said([]);
  assert.equal(first.kind, "unknown");
  assert.match(
    first.notes[0],
    /^unknown: No other replica is here\. Start one/,
  );
  const deaf = said([], { cluster: { presence: "off" } });
  assert.match(deaf.notes[0], /^unknown: Other replicas can't be seen/);
});

Deno.test("the sentence looks as good as what it says, whatever the notes say", () => {
  const looks = (replicas: (typeof ROW)[], status = STATUS) => {
    const { kind, sentenceKind } = verdict({ ...CLUSTER, replicas }, status);
    return [kind, sentenceKind];
  };
  const gone = other("b", { state: "gone" });
  assert.deepEqual(looks([ROW, other("b")]), ["good", "good"]);
  assert.deepEqual(looks([ROW, gone]), ["busy", "good"]);
  const leaving = { ...STATUS, leaving: "SIGTERM came" };
  assert.deepEqual(looks([ROW, other("b")], leaving), ["busy", "busy"]);
  const refused = { ...STATUS, sets_refused: "NATS does not answer" };
  assert.deepEqual(looks([ROW, other("b")], refused), ["bad", "bad"]);
});

Deno.test("the title has the replica, and what it can do", () => {
  const of = (status: Partial<typeof STATUS>) =>
    title(CLUSTER, { ...STATUS, ...status });
  assert.equal(of({}), "a: ready – UserGrade");
  assert.equal(of({ sets_refused: "why" }), "a: sets refused – UserGrade");
  assert.equal(
    of({ state: "catching_up", gets_refused: "why", sets_refused: "why" }),
    "a: catching up – UserGrade",
  );
});
