/**
 * Whether a log is still the one that a state was made from: the same function
 * for a snapshot at a start and for a replica that runs. It does no I/O.
 *
 * @module
 */

/** What tells an entry from another one at the same sequence. */
export interface EntryIdentity {
  readonly sequence: number;
  /** When the log took it: RFC 3339 with nanoseconds, UTC. */
  readonly time: string;
  /** Undefined if only its time is known. */
  readonly messageId?: string | undefined;
}

/** A log as it is now. */
export interface LogView {
  /** The first entry still there; last + 1 if there is none. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** The entry at the state's sequence; undefined if the log does not have it. */
  readonly entry: EntryIdentity | undefined;
}

/** A state: all entries up to a sequence, applied. */
export interface AppliedState {
  readonly sequence: number;
  /** The entry at that sequence; undefined if it is not known. */
  readonly last: EntryIdentity | undefined;
}

/** What a log means for a state. */
export type Comparison =
  /** The state is the log's; `isProven` if the entry itself says so. */
  | { readonly type: "same"; readonly isProven: boolean }
  /** The log ends before the state. */
  | { readonly type: "ahead" }
  /** The log has another entry at the state's sequence. */
  | { readonly type: "forked" }
  /** The log does not have the entries after the state any more. */
  | { readonly type: "too_old" };

/**
 * Sequences alone do not show that a log lost its tail: others may have
 * written past it since. So the last applied entry is compared too. An entry
 * that is not there any more can't be compared.
 *
 * @param log The log, of the state's id.
 * @param state The state.
 */
export function compareLog(log: LogView, state: AppliedState): Comparison {
  if (log.lastSequence < state.sequence) return { type: "ahead" };
  const { entry } = log;
  const { last } = state;
  const isProven = entry !== undefined && last !== undefined;
  if (isProven && !isSameEntry(entry, last)) return { type: "forked" };
  if (log.firstSequence > state.sequence + 1) return { type: "too_old" };
  return { type: "same", isProven };
}

/** Whether an entry is the one that is known at its sequence. */
export function isSameEntry(
  found: EntryIdentity,
  known: EntryIdentity,
): boolean {
  return found.time === known.time &&
    (known.messageId === undefined || found.messageId === undefined ||
      found.messageId === known.messageId);
}
