/**
 * The sets of one run, deletions too, what each was told, and whether that was
 * true.
 *
 * @module
 */
import assert from "node:assert/strict";
import { isDeletion } from "../../src/log/change.ts";
import { NotStoredError, OutcomeUnknownError } from "../../src/log/log.ts";
import { NotAppliedError } from "../../src/replica/endings.ts";
import type { Replica } from "../../src/replica/replica.ts";
import { changesOf, type StoredEntry } from "../support/simulated_stream.ts";

/** How a set ended. */
export type Outcome =
  | { readonly type: "committed"; readonly sequence: number }
  | { readonly type: "not stored" }
  | { readonly type: "not applied" }
  | { readonly type: "unknown" };

/** What is sent: a set, an array of two, or an array of two deletions. */
export type Kind = "set" | "array" | "deletion";

/** What a client sends if it sends anything: mostly sets. */
export const KINDS: readonly Kind[] = [
  "set",
  "set",
  "set",
  "array",
  "deletion",
];

/** A user that arrays set beside another one. */
const BESIDE = "beside";

/**
 * One set, told from all others by its number: that is its `spp`, or a user that
 * it deletes and that never was.
 */
export interface SentSet {
  readonly number: number;
  readonly kind: Kind;
  outcome?: Outcome;
}

function send(
  kind: Kind,
  user_id: string,
  number: number,
  replica: Replica,
): Promise<{ readonly sequence: number }> {
  switch (kind) {
    case "set":
      return replica.set({ user_id, spp: number });
    case "array":
      return replica.setMany([
        { user_id, spp: number },
        { user_id: BESIDE, return_fee: number },
      ]);
    case "deletion":
      return replica.deleteMany([{ user_id }, { user_id: `${number}` }]);
  }
}

/** @returns The numbers of the sets that an entry holds. */
export function numbersOf(entry: StoredEntry): number[] {
  return changesOf(entry).flatMap((change) => {
    if (!isDeletion(change)) return change.spp ?? [];
    const number = Number(change.user_id);
    return Number.isNaN(number) ? [] : number;
  });
}

/** All sets that were sent, in their order. */
export class SentSets {
  readonly all: SentSet[] = [];

  /** How each of them ended, and what was committed that is no mere set. */
  get outcomes(): string[] {
    return this.all.flatMap(({ kind, outcome }) =>
      outcome?.type === "committed" && kind !== "set"
        ? [outcome.type, kind]
        : outcome?.type ?? []
    );
  }

  /**
   * Sends a set of a user, or its deletion.
   *
   * @param committed Told the sequence when it is acknowledged.
   */
  send(
    user_id: string,
    replica: Replica,
    kind: Kind = "set",
    committed: (sequence: number) => void = () => {},
  ): SentSet {
    const one: SentSet = { number: this.all.length + 1, kind };
    this.all.push(one);
    const failed = (error: unknown) => {
      assert.ok(one.outcome === undefined, "it has two ends");
      one.outcome = outcomeOf(error);
    };
    try {
      send(kind, user_id, one.number, replica).then(({ sequence }) => {
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
      for (const number of numbersOf(entry)) {
        if (!stored.has(number)) stored.set(number, new Set());
        stored.get(number)!.add(entry.sequence);
      }
    }
    for (const one of this.all) {
      const { number, outcome } = one;
      if (outcome === undefined && mayHaveNoEnd(one)) continue;
      assert.ok(outcome !== undefined, `set ${number} has no end`);
      if (outcome.type === "committed") {
        assert.ok(stored.get(number)?.has(outcome.sequence), `set ${number}`);
      } else if (outcome.type === "not applied") {
        assert.ok(stored.has(number), `set ${number} is not stored`);
      } else if (outcome.type === "not stored") {
        assert.ok(!stored.has(number), `set ${number} is stored`);
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
    for (const number of numbersOf(entry)) {
      assert.ok(!inLog.has(number), `set ${number} came twice`);
      inLog.add(number);
    }
  }
}
