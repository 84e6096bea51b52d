/**
 * The subjects of a log's entries, and what they say.
 *
 * @module
 */
import type { EntryVersion } from "../change.ts";

/** How the subject of fences goes on: no replica can have that name. */
const FENCE_SUFFIX = ".v2.set.$heal";
const FENCE_SUBJECT = /^[^.]+\.v2\.set\.\$heal$/;

/** The first token of the subjects of a stream's entries. */
export function subjectPrefix(stream: string): string {
  return stream.toLowerCase();
}

/** The subjects of all versions of entries. */
export function entrySubjects(stream: string): string {
  return `${subjectPrefix(stream)}.*.set.*`;
}

/** The subjects on which a replica proposes, one for each version of entries. */
export type OwnSubjects = Readonly<Record<EntryVersion, string>>;

/** @returns The subjects on which a replica proposes. */
export function ownSubjects(stream: string, replicaId: string): OwnSubjects {
  return {
    1: `${subjectPrefix(stream)}.v1.set.${replicaId}`,
    2: `${subjectPrefix(stream)}.v2.set.${replicaId}`,
  };
}

/** The subject of the fences by which a log is made whole. */
export function fenceSubject(stream: string): string {
  return subjectPrefix(stream) + FENCE_SUFFIX;
}

/** Whether an entry of the log is on the subject of its fences. */
export function isFenceSubject(subject: string): boolean {
  return FENCE_SUBJECT.test(subject);
}

/**
 * @returns The version of the changes that an entry holds; undefined if it holds
 * none that this replica knows.
 */
export function changesVersion(subject: string): EntryVersion | undefined {
  const version = subject.split(".", 2)[1];
  if (version === "v1") return 1;
  return version === "v2" && !isFenceSubject(subject) ? 2 : undefined;
}

/**
 * Whether an entry is of a version that this replica does not know, and so
 * must not skip. A subject without a version belongs to another program.
 */
export function isUnknownVersion(subject: string): boolean {
  const version = subject.split(".", 2)[1];
  return /^v[1-9]\d*$/.test(version) && version !== "v1" && version !== "v2";
}
