/**
 * The fences that are in a stream.
 *
 * @module
 */
import { decodeFence, fenceRole } from "../fence.ts";
import type { Fence } from "../healable_log.ts";
import { fenceSubject } from "./subjects.ts";
import type { StoredEntry } from "./stream_look.ts";

/**
 * The most entries that are read to find the oldest pending fence. A healing
 * that is done takes its fence out of the stream, so there are hardly two.
 */
const FENCES_MAX = 32;

/** Reads a stream's entries by their subject. */
export interface SubjectReader {
  /** @returns The last entry on a subject; undefined if there is none. */
  lastOn(subject: string): Promise<StoredEntry | undefined>;
  /** @returns The first entry on a subject, at a sequence or later. */
  nextOn(subject: string, sequence: number): Promise<StoredEntry | undefined>;
}

/**
 * @param reader Reads the stream.
 * @param stream The stream's name.
 * @returns Its fences, oldest first: the newest alone if that one is a mark,
 * since what was before a mark is not in the log any more.
 */
export async function findFences(
  reader: SubjectReader,
  stream: string,
): Promise<Fence[]> {
  const subject = fenceSubject(stream);
  const last = await reader.lastOn(subject);
  if (last === undefined) return [];
  const newest = fenceOf(last);
  if (newest !== undefined && fenceRole(newest.at, newest) === "mark") {
    return [newest];
  }
  const fences: Fence[] = [];
  let next = 1;
  for (let read = 0; read < FENCES_MAX && next < last.sequence; read++) {
    const entry = await reader.nextOn(subject, next);
    if (entry === undefined || entry.sequence >= last.sequence) break;
    next = entry.sequence + 1;
    const fence = fenceOf(entry);
    if (fence !== undefined) fences.push(fence);
  }
  if (newest !== undefined) fences.push(newest);
  return fences;
}

/** @returns The fence or the mark that an entry is; undefined if it is neither. */
export function fenceOf(
  { sequence, time, data }: StoredEntry,
): Fence | undefined {
  const point = decodeFence(data);
  return point !== undefined && fenceRole(sequence, point) !== undefined
    ? { ...point, at: sequence, time }
    : undefined;
}
