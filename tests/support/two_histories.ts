/**
 * Users of a log that becomes two histories.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { ServiceProcess } from "./service_process.ts";

/** A user's `spp` in each state; undefined where there is no such user. */
export interface Past {
  readonly id: string;
  readonly before?: number;
  readonly forked?: number;
  readonly ready?: number;
  /** Whether a person has to decide. */
  readonly isOpen?: true;
  /** After what a person does. */
  readonly end?: number;
}

/** Users with each pair of changes that two histories can have. */
export const PASTS: readonly Past[] = [
  { id: "untouched", before: 1, forked: 1, ready: 1, end: 1 },
  { id: "set here", before: 1, forked: 2, ready: 1, end: 2 },
  { id: "007", before: 1, forked: 2, ready: 1, end: 2 },
  { id: "7", before: 1, forked: 1, ready: 3, end: 3 },
  { id: 'quoted, "set" here', before: 1, forked: 2, ready: 1, end: 2 },
  { id: "created here", forked: 2, end: 2 },
  { id: "deleted here", before: 1, ready: 1 },
  { id: 'quoted, "deleted" here, ключ', before: 1, ready: 1 },
  { id: "set there", before: 1, forked: 1, ready: 2, end: 2 },
  { id: "created there", ready: 2, end: 2 },
  { id: "deleted there", before: 1, forked: 1 },
  { id: "set alike", before: 1, forked: 2, ready: 2, end: 2 },
  { id: "deleted alike", before: 1 },
  { id: "set", before: 1, forked: 2, ready: 3, isOpen: true, end: 2 },
  { id: 'set, "quoted"', before: 1, forked: 2, ready: 3, isOpen: true, end: 2 },
  { id: "created", forked: 2, ready: 3, isOpen: true, end: 2 },
  {
    id: "kept by the log",
    before: 1,
    forked: 2,
    ready: 3,
    isOpen: true,
    end: 3,
  },
  { id: "set here, deleted there", before: 1, forked: 2, isOpen: true, end: 2 },
  { id: "deleted here, set there", before: 1, ready: 3, isOpen: true, end: 3 },
];

/**
 * Sets and deletes users.
 *
 * @param process A replica.
 * @param state What the users are to be afterwards; unless it is `before`, they
 * are in that state.
 */
export async function bring(
  process: ServiceProcess,
  state: "before" | "forked" | "ready",
): Promise<void> {
  const from = (past: Past) => state === "before" ? undefined : past.before;
  const changed = PASTS.filter((past) => past[state] !== from(past));
  const sets = changed.filter((past) => past[state] !== undefined)
    .map((past) => ({ user_id: past.id, spp: past[state] }));
  const deletions = changed.filter((past) => past[state] === undefined)
    .map(({ id }) => ({ user_id: id }));
  const answers = [await process.set(sets)];
  if (deletions.length > 0) answers.push(await process.delete(deletions));
  for (const answer of answers) {
    assert.equal(answer.status, 200, await answer.text());
  }
}
