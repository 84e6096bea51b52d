/**
 * A set that changes nothing, to try whether sets commit. It does no I/O.
 *
 * @module
 */
import {
  Change,
  decodeEntry,
  entryText,
  InvalidEntryError,
  isDeletion,
} from "../change.ts";
import type { UserChange } from "../../user_grade.ts";
import { encodeEntry } from "../entry_payload.ts";
import type { EntryFeed } from "./entry_feed.ts";
import { changesVersion } from "./subjects.ts";

/** A message that tries whether sets commit. */
export interface Probe {
  readonly payload: Uint8Array<ArrayBuffer>;
  /** The stream takes it only as the next entry after this one. */
  readonly after: number;
}

/**
 * A user that the log's last entry has set exists as long as that entry is
 * the last one, so that a set of no field changes nothing there. The stream is
 * told to take it only directly after that entry.
 *
 * @returns The message; undefined if no such user is known.
 */
export function probeAfter({ fed, last }: EntryFeed): Probe | undefined {
  const { subject, data } = last ?? {};
  const version = data && changesVersion(subject!);
  if (version === undefined) return undefined;
  try {
    const user_id = lastSet(decodeEntry(data!, version));
    if (user_id === undefined) return undefined;
    const payload = encodeEntry(entryText([Change.set({ user_id }).change]));
    return { payload, after: fed };
  } catch (error) {
    if (!(error instanceof InvalidEntryError)) throw error;
    return undefined;
  }
}

/** The last user that an entry has set and not deleted after that. */
function lastSet(changes: readonly UserChange[]): string | undefined {
  const deleted = new Set<string>();
  for (const change of changes.toReversed()) {
    const { user_id } = change;
    if (isDeletion(change)) deleted.add(user_id);
    else if (!deleted.has(user_id)) return user_id;
  }
  return undefined;
}
