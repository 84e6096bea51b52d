import assert from "node:assert/strict";
import {
  type Phase,
  type Readiness,
  readiness,
} from "../../src/replica/readiness.ts";
import type { LogLoss } from "../../src/log/healable_log.ts";
import type { LogStatus } from "../../src/log/log.ts";
import type { HealingCondition } from "../../src/replica/healing_facts.ts";

const permissions = "none";

const PROGRESS = { reason: "restoring from x", rows: 1, percent: 50 };

/** Every phase that there is. */
const PHASES: readonly Phase[] = [
  { name: "starting" },
  { name: "restoring", progress: PROGRESS },
  { name: "catching_up", until: 3 },
  { name: "ready" },
  { name: "draining", reason: "SIGTERM", wasReady: true },
  { name: "draining", reason: "SIGTERM", wasReady: false },
];

const LOG_STATES = [
  "connected",
  "away",
  "ahead_of_log",
  "upgrade_required",
] as const;

const STUCK = "entry 4 can't be applied";

/** Each case in a line: what, then state, readable whole, writable, whose reason. */
function table(): string[] {
  const lines: string[] = [];
  for (const phase of PHASES) {
    for (const state of LOG_STATES) {
      for (const stuck of [undefined, STUCK]) {
        const log: LogStatus = { state, reason: `log is ${state}` };
        const { reason, ...can } = readiness({
          phase,
          log,
          stuck,
          rejoin: undefined,
          healing: undefined,
          isHealer: false,
        });
        const name = phase.name === "draining" && phase.wasReady
          ? "draining after ready"
          : phase.name;
        const whose = reason === STUCK
          ? "stuck"
          : reason === log.reason
          ? "log"
          : "own";
        lines.push(
          `${name}, ${state}${stuck ? ", stuck" : ""}: ${flags(can)}, ${whose}`,
        );
      }
    }
  }
  return lines;
}

function flags(
  { state, readable, whole, writable }: Omit<Readiness, "reason">,
) {
  return [
    state,
    readable && "readable",
    whole && "whole",
    writable && "writable",
  ]
    .filter((part) => part !== false).join(" ");
}

Deno.test({
  name: "readiness() of each phase, log status and stuck entry",
  permissions,
  fn: () => {
    assert.deepEqual(table(), [
      "starting, connected: starting, own",
      "starting, connected, stuck: starting, stuck",
      "starting, away: starting, log",
      "starting, away, stuck: starting, stuck",
      "starting, ahead_of_log: ahead_of_log, log",
      "starting, ahead_of_log, stuck: ahead_of_log, log",
      "starting, upgrade_required: upgrade_required, log",
      "starting, upgrade_required, stuck: upgrade_required, log",
      "restoring, connected: restoring, own",
      "restoring, connected, stuck: restoring, own",
      "restoring, away: restoring, own",
      "restoring, away, stuck: restoring, own",
      "restoring, ahead_of_log: ahead_of_log, own",
      "restoring, ahead_of_log, stuck: ahead_of_log, own",
      "restoring, upgrade_required: upgrade_required, own",
      "restoring, upgrade_required, stuck: upgrade_required, own",
      "catching_up, connected: catching_up, own",
      "catching_up, connected, stuck: catching_up, stuck",
      "catching_up, away: catching_up, log",
      "catching_up, away, stuck: catching_up, stuck",
      "catching_up, ahead_of_log: ahead_of_log whole, log",
      "catching_up, ahead_of_log, stuck: ahead_of_log whole, log",
      "catching_up, upgrade_required: upgrade_required whole, log",
      "catching_up, upgrade_required, stuck: upgrade_required whole, log",
      "ready, connected: ready readable whole writable, own",
      "ready, connected, stuck: ready readable whole, stuck",
      "ready, away: ready readable whole, log",
      "ready, away, stuck: ready readable whole, stuck",
      "ready, ahead_of_log: ahead_of_log readable whole, log",
      "ready, ahead_of_log, stuck: ahead_of_log readable whole, log",
      "ready, upgrade_required: upgrade_required whole, log",
      "ready, upgrade_required, stuck: upgrade_required whole, log",
      "draining after ready, connected: draining readable whole, own",
      "draining after ready, connected, stuck: draining readable whole, own",
      "draining after ready, away: draining readable whole, own",
      "draining after ready, away, stuck: draining readable whole, own",
      "draining after ready, ahead_of_log: draining readable whole, own",
      "draining after ready, ahead_of_log, stuck: draining readable whole, own",
      "draining after ready, upgrade_required: draining whole, own",
      "draining after ready, upgrade_required, stuck: draining whole, own",
      "draining, connected: draining, own",
      "draining, connected, stuck: draining, own",
      "draining, away: draining, own",
      "draining, away, stuck: draining, own",
      "draining, ahead_of_log: draining, own",
      "draining, ahead_of_log, stuck: draining, own",
      "draining, upgrade_required: draining, own",
      "draining, upgrade_required, stuck: draining, own",
    ]);
  },
});

Deno.test({
  name:
    "readiness() of a log that is healed, or goes on from another state: gets go on, and no set is taken",
  permissions,
  fn: () => {
    const lines: string[] = [];
    for (const phase of PHASES) {
      if (phase.name === "draining" && !phase.wasReady) continue;
      for (const state of ["away", "ahead_of_log", "healing", "forked"]) {
        for (const type of ["healing", "forked", "unhealed", undefined]) {
          const log = { state, reason: "its own" } as LogStatus;
          const healing = type === undefined
            ? undefined
            : { type, reason: "told" } as HealingCondition;
          const { reason, ...can } = readiness({
            phase,
            log,
            stuck: undefined,
            rejoin: undefined,
            healing,
            isHealer: false,
          });
          if (type !== undefined && phase.name === "ready") {
            assert.match(reason, /told/);
          }
          lines.push(`${phase.name}, ${state}, ${type ?? "-"}: ${flags(can)}`);
        }
      }
    }
    const of = (phase: string) =>
      lines.filter((line) => line.startsWith(`${phase},`))
        .map((line) => line.slice(phase.length + 2));
    const seen = (can: string) => [
      `away, healing: healing${can}`,
      `away, forked: forked${can}`,
    ];
    assert.deepEqual(of("ready"), [
      ...seen(" readable whole"),
      "away, unhealed: ready readable whole",
      "away, -: ready readable whole",
      "ahead_of_log, healing: healing readable whole",
      "ahead_of_log, forked: forked readable whole",
      "ahead_of_log, unhealed: ahead_of_log readable whole",
      "ahead_of_log, -: ahead_of_log readable whole",
      "healing, healing: healing readable whole",
      "healing, forked: forked readable whole",
      "healing, unhealed: healing readable whole",
      "healing, -: healing readable whole",
      "forked, healing: forked readable whole",
      "forked, forked: forked readable whole",
      "forked, unhealed: forked readable whole",
      "forked, -: forked readable whole",
    ]);
    for (const phase of ["starting", "restoring"]) {
      assert.deepEqual(of(phase).slice(0, 2), seen(""));
    }
    // It was never caught up, and holds a whole state all the same.
    assert.deepEqual(of("catching_up").slice(0, 2), seen(" whole"));
    for (const line of of("draining")) {
      assert.match(line, /: draining readable whole$/);
    }
  },
});

Deno.test({
  name:
    "readiness() takes no set while another replica has more than the log, although the log takes them",
  permissions,
  fn: () => {
    for (const type of ["waiting", "forked"] as const) {
      const { reason, ...can } = readiness({
        phase: { name: "ready" },
        log: { state: "connected", reason: "its own" },
        stuck: undefined,
        rejoin: undefined,
        healing: { type, reason: "b has more" },
        isHealer: true,
      });
      assert.equal(reason, "b has more");
      assert.equal(
        flags(can),
        type === "waiting" ? "ready readable whole" : "forked readable whole",
      );
    }
  },
});

Deno.test({
  name:
    "readiness() says that a log is being healed as soon as it is known to have lost entries that can be had again",
  permissions,
  fn: () => {
    const loss = {
      type: "tail",
      reason: "it ends at 5",
      firstSequence: 1,
      lastSequence: 5,
    } as const;
    const of = (changes: Partial<LogLoss>, isHealer = true, more = {}) => {
      const { state } = readiness({
        phase: { name: "ready" },
        log: {
          state: "ahead_of_log",
          reason: "it ends at 5",
          loss: { ...loss, ...changes },
        },
        stuck: undefined,
        rejoin: undefined,
        healing: undefined,
        isHealer,
        ...more,
      });
      return state;
    };
    assert.equal(of({}), "healing");
    assert.equal(of({}, false), "ahead_of_log");
    assert.equal(of({ type: "other_log" }), "ahead_of_log");
    assert.equal(of({ problem: "upgrade NATS" }), "ahead_of_log");
    const healing = { type: "unhealed", reason: "no permission" };
    assert.equal(of({}, true, { healing }), "ahead_of_log");
  },
});

Deno.test({
  name: "readiness() tells why a start is held back, whatever the log is",
  permissions,
  fn: () => {
    const held = { name: "starting", held: "b has more" } as const;
    for (const state of ["connected", "away"] as const) {
      const log: LogStatus = { state, reason: "its own" };
      const { reason, ...can } = readiness({
        phase: held,
        log,
        stuck: undefined,
        rejoin: undefined,
        healing: undefined,
        isHealer: false,
      });
      assert.equal(reason, "b has more");
      assert.equal(flags(can), "starting");
    }
  },
});

Deno.test({
  name:
    "readiness() tells how a restore goes of a replica that has a state, which still answers gets",
  permissions,
  fn: () => {
    const log: LogStatus = { state: "away", reason: "cut", missing: 9 };
    const can = (phase: Phase) => {
      const { reason, ...can } = readiness({
        phase,
        log,
        stuck: STUCK,
        rejoin: PROGRESS,
        healing: undefined,
        isHealer: false,
      });
      assert.equal(reason, `cut; ${PROGRESS.reason}`);
      return flags(can);
    };
    assert.equal(can({ name: "ready" }), "ready readable whole");
    assert.equal(can({ name: "catching_up", until: 9 }), "restoring");
  },
});

Deno.test({
  name: "readiness() tells what a replica that catches up has started from",
  permissions,
  fn: () => {
    const phase = { name: "catching_up", until: 3, account: "from b" } as const;
    for (const state of ["connected", "away"] as const) {
      const log: LogStatus = { state, reason: "its own" };
      const { reason } = readiness({
        phase,
        log,
        stuck: undefined,
        rejoin: undefined,
        healing: undefined,
        isHealer: false,
      });
      assert.match(reason, /^(its own|entries .* are being applied); from b$/);
    }
  },
});
