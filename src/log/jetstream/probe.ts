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
} from "../change.ts";
import { encodeEntry } from "../entry_payload.ts";
import type { EntryFeed } from "./entry_feed.ts";
import { isKnownVersion } from "./stream_config.ts";

/** A message that tries whether sets commit. */
export interface Probe {
  readonly payload: Uint8Array<ArrayBuffer>;
  /** The stream takes it only as the next entry after this one. */
  readonly after: number;
}

/**
 * The user that the log's last entry has set exists as long as that entry is
 * the last one, so that a set of no field changes nothing there. The stream is
 * told to take it only directly after that entry.
 *
 * @returns The message; undefined if no such user is known.
 */
export function probeAfter({ fed, last }: EntryFeed): Probe | undefined {
  const { subject, data } = last ?? {};
  if (data === undefined || !isKnownVersion(subject!)) return undefined;
  try {
    const { user_id } = decodeEntry(data).at(-1)!;
    const payload = encodeEntry(entryText([Change.set({ user_id })]));
    return { payload, after: fed };
  } catch (error) {
    if (!(error instanceof InvalidEntryError)) throw error;
    return undefined;
  }
}
