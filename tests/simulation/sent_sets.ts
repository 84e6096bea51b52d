/**
 * The sets of one run, what each was told, and whether that was true.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Change } from "../../src/log/change.ts";
import { NotStoredError, OutcomeUnknownError } from "../../src/log/log.ts";
import { NotAppliedError } from "../../src/replica/group_commit.ts";
import type { Replica } from "../../src/replica/replica.ts";
import type { UserGradePatch } from "../../src/user_grade.ts";
import { patchesOf, type StoredEntry } from "../support/simulated_stream.ts";

/** How a set ended. */
export type Outcome =
  | { readonly type: "committed"; readonly sequence: number }
  | { readonly type: "not stored" }
  | { readonly type: "not applied" }
  | { readonly type: "unknown" };

/** One set, told from all others by its `spp`. */
export interface SentSet {
  readonly patch: UserGradePatch;
  outcome?: Outcome;
}

/** All sets that were sent, in their order. */
export class SentSets {
  readonly all: SentSet[] = [];

  /**
   * Sends a set of a user.
   *
   * @param committed Told the sequence when it is acknowledged.
   */
  send(
    user_id: string,
    replica: Replica,
    committed: (sequence: number) => void = () => {},
  ): SentSet {
    const one: SentSet = { patch: { user_id, spp: this.all.length + 1 } };
    this.all.push(one);
    const failed = (error: unknown) => {
      assert.ok(one.outcome === undefined, "it has two ends");
      one.outcome = outcomeOf(error);
    };
    try {
      replica.submit(Change.set(one.patch)).then(({ sequence }) => {
        assert.ok(one.outcome === undefined, "it has two ends");
        one.outcome = { type: "committed", sequence };
        committed(sequence);
      }, failed);
    } catch (error) {
      failed(error);
    }
    return one;
  }

  /**
   * @param everStored All entries that any stream ever took.
   * @param mayHaveNoEnd Whether nobody is left to tell a set's end.
   */
  check(
    everStored: Iterable<StoredEntry>,
    mayHaveNoEnd = (_: SentSet) => false,
  ): void {
    const stored = new Map<number, Set<number>>();
    for (const entry of everStored) {
      for (const { spp } of patchesOf(entry)) {
        if (spp === undefined) continue;
        if (!stored.has(spp)) stored.set(spp, new Set());
        stored.get(spp)!.add(entry.sequence);
      }
    }
    for (const one of this.all) {
      const { patch: { spp }, outcome } = one;
      if (outcome === undefined && mayHaveNoEnd(one)) continue;
      assert.ok(outcome !== undefined, `set ${spp} has no end`);
      if (outcome.type === "committed") {
        assert.ok(stored.get(spp!)?.has(outcome.sequence), `set ${spp}`);
      } else if (outcome.type === "not applied") {
        assert.ok(stored.has(spp!), `set ${spp} is not stored`);
      } else if (outcome.type === "not stored") {
        assert.ok(!stored.has(spp!), `set ${spp} is stored`);
      }
    }
  }
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof NotStoredError) return { type: "not stored" };
  if (error instanceof OutcomeUnknownError) return { type: "unknown" };
  if (error instanceof NotAppliedError) return { type: "not applied" };
  throw error;
}

/** No set may be in a log twice. */
export function checkNoneTwice(entries: Iterable<StoredEntry>): void {
  const inLog = new Set<number>();
  for (const entry of entries) {
    for (const { spp } of patchesOf(entry)) {
      if (spp === undefined) continue;
      assert.ok(!inLog.has(spp), `set ${spp} came twice`);
      inLog.add(spp);
    }
  }
}
