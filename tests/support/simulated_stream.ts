/**
 * A JetStream stream in memory: it keeps, cuts, moves and loses entries as
 * nats-server does, and remembers how it was at any earlier moment.
 *
 * @module
 */
import { decodeEntry, isDeletion } from "../../src/log/change.ts";
import { isPending } from "../../src/log/fence.ts";
import { AFTER } from "../../src/log/jetstream/feed_message.ts";
import type {
  StoredEntry as ReadEntry,
  StreamLook,
  StreamQuestion,
} from "../../src/log/jetstream/stream_look.ts";
import { fenceOf } from "../../src/log/jetstream/stream_fences.ts";
import type { StreamConfig } from "../../src/log/jetstream/stream_config.ts";
import type { HealPoint } from "../../src/log/healable_log.ts";
import type { Storage } from "../../src/storage/storage.ts";
import type { UserChange } from "../../src/user_grade.ts";
import { formatNanoseconds } from "./nanoseconds.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Begins the subjects of entries that may hold deletions. */
const VERSION_2 = "usergrade.v2.";

/** Where fences and marks are published. */
export const FENCE_SUBJECT = "usergrade.v2.set.$heal";

/** One entry as the stream keeps it. */
export interface StoredEntry {
  readonly sequence: number;
  /** Nanoseconds since 1970, as digits. */
  readonly nanoseconds: string;
  readonly messageId: string;
  readonly subject: string;
  readonly payload: Uint8Array<ArrayBuffer>;
  /** What its message says of the seam that it makes. */
  readonly seam: string | undefined;
  /** What its message says of when the log took the entry before. */
  readonly afterTime: string | undefined;
}

/** Tells an entry from all that any stream ever took. */
export function entryKey({ sequence, time }: {
  readonly sequence: number;
  readonly time: string;
}): string {
  return `${sequence}@${time}`;
}

/** @returns What an entry changes: a fence or a mark nothing. */
export function changesOf(
  { subject, payload }: StoredEntry,
): readonly UserChange[] {
  if (subject === FENCE_SUBJECT) return [];
  return decodeEntry(payload, subject.startsWith(VERSION_2) ? 2 : 1);
}

/** Changes what an entry changes. */
export function applyEntry(storage: Storage, entry: StoredEntry): void {
  for (const change of changesOf(entry)) {
    if (isDeletion(change)) storage.delete(change.user_id);
    else storage.set(change);
  }
}

/** @returns The heal point that a fence or a mark says; undefined for a set. */
export function healPointOf(entry: StoredEntry): HealPoint | undefined {
  if (entry.subject !== FENCE_SUBJECT) return undefined;
  const { healed_to, digest } = JSON.parse(
    decoder.decode(entry.payload),
  );
  return { sequence: healed_to, digest };
}

/** What happened to a stream. */
type StreamChange =
  | { readonly type: "added"; readonly entry: StoredEntry }
  | {
    readonly type: "purged";
    readonly first: number;
    /** The keys of the entries before `first`, where they are others now. */
    readonly history: readonly string[] | undefined;
  };

/** One stream: what it has, by sequence. */
export class SimulatedStream {
  readonly entries = new Map<number, StoredEntry>();
  /**
   * The keys of all entries from the first on, those that limits took too, and
   * those of the history that a healing has put before the first one.
   */
  history: string[] = [];
  #changes: StreamChange[] = [];
  readonly #ids = new Set<string>();
  first = 1;
  last = 0;

  constructor(readonly created: string, public config: StreamConfig) {}

  /** @returns The sequence of its last entry on a subject; 0 if it has none. */
  lastOn(subject: string): number {
    for (let sequence = this.last; sequence >= this.first; sequence--) {
      if (this.entries.get(sequence)?.subject === subject) return sequence;
    }
    return 0;
  }

  /** Takes a message, unless it has its id already. */
  add(entry: Omit<StoredEntry, "sequence">): StoredEntry | undefined {
    if (this.#ids.has(entry.messageId)) return undefined;
    const stored = { ...entry, sequence: this.last + 1 };
    this.#do({ type: "added", entry: stored });
    return stored;
  }

  #do(change: StreamChange): void {
    this.#changes.push(change);
    if (change.type === "added") {
      const { entry } = change;
      this.#ids.add(entry.messageId);
      this.last = entry.sequence;
      this.entries.set(entry.sequence, entry);
      this.history.push(entryKey(readEntry(entry)));
      return;
    }
    const { first, history } = change;
    for (const sequence of this.entries.keys()) {
      if (sequence < first) this.entries.delete(sequence);
    }
    if (history !== undefined) {
      this.history = [...history, ...this.history.slice(first - 1)];
    }
    this.first = first;
    this.last = Math.max(this.last, first - 1);
    // If it was moved without a word, what was before is unknown.
    while (this.history.length < this.last) this.history.push("?");
  }

  /** How many changes there were. */
  get changes(): number {
    return this.#changes.length;
  }

  /** @returns It as it was after so many changes. */
  asOf(changes: number): SimulatedStream {
    const earlier = new SimulatedStream(this.created, this.config);
    for (const change of this.#changes.slice(0, changes)) earlier.#do(change);
    return earlier;
  }

  /**
   * @param created When it was created; another time if it was restored from a
   * backup and not copied as a folder.
   * @returns A copy.
   */
  copy(created = this.created): SimulatedStream {
    const copy = new SimulatedStream(created, this.config);
    for (const entry of this.entries.values()) {
      copy.entries.set(entry.sequence, entry);
      copy.#ids.add(entry.messageId);
    }
    copy.history.push(...this.history);
    copy.#changes = [...this.#changes];
    copy.first = this.first;
    copy.last = this.last;
    return copy;
  }

  /** Loses all entries after a sequence. */
  cut(last: number): void {
    for (let sequence = last + 1; sequence <= this.last; sequence++) {
      const entry = this.entries.get(sequence);
      if (entry !== undefined) this.#ids.delete(entry.messageId);
      this.entries.delete(sequence);
    }
    this.last = last;
    this.history.length = last;
    this.#changes = this.#changes.filter((one) =>
      one.type === "purged" || one.entry.sequence <= last
    );
  }

  /**
   * Forgets all entries before a sequence. Beyond its end that moves the
   * stream: it is empty then, and goes on with that sequence.
   *
   * @param history The keys of the entries before, where they are others now.
   */
  purge(first: number, history?: readonly string[]): void {
    if (first > this.first) this.#do({ type: "purged", first, history });
  }

  /** The keys of the entries before its first one are others: nothing shows them. */
  goOnFrom(history: readonly string[]): void {
    this.#do({ type: "purged", first: this.first, history });
  }

  /** The bytes of all entries, roughly. */
  get bytes(): number {
    return this.entries.size * 100;
  }

  /** The fences and marks, oldest first. */
  get fences(): StoredEntry[] {
    return [...this.entries.values()]
      .filter(({ subject }) => subject === FENCE_SUBJECT);
  }

  /** @returns The newest fence that says that the log is to begin so. */
  fenceBefore(first: number): StoredEntry | undefined {
    return this.fences.findLast((one) =>
      one.sequence < first && healPointOf(one)?.sequence === first - 1
    );
  }

  /** @returns An entry as JetStream gives it; undefined if it is not there. */
  message(entry: StoredEntry | undefined): unknown {
    if (entry === undefined) return undefined;
    let message = messages.get(entry);
    if (message === undefined) messages.set(entry, message = messageOf(entry));
    return message;
  }

  #read(sequence: number): ReadEntry | undefined {
    const entry = this.entries.get(sequence);
    return entry && readEntry(entry);
  }

  /** Forgets what is beyond a limit that was set by hand. */
  enforceLimits(): void {
    const { max_msgs = 0 } = this.config;
    if (max_msgs > 0) this.purge(this.last + 1 - max_msgs);
  }

  /** @returns What it answers. */
  look({ identify, require, fences: areAsked }: StreamQuestion): StreamLook {
    const known = identify && Math.min(identify, this.last);
    const fences = areAsked
      ? this.fences.flatMap((entry) => fenceOf(readEntry(entry)) ?? [])
      : [];
    const pending = fences.find(isPending);
    return {
      created: this.created,
      config: this.config,
      maxPayload_bytes: 1024 * 1024,
      firstSequence: this.first,
      lastSequence: this.last,
      bytes: this.bytes,
      identified: known === undefined ? undefined : this.#read(known),
      fences,
      ...(known !== undefined && pending !== undefined && {
        beforeFence: this.#read(Math.min(known, pending.at - 1)),
      }),
      isRequiredMissing: require !== undefined && require >= this.first &&
        require <= this.last && !this.entries.has(require),
    };
  }
}

/** Entries as JetStream gives them: each is asked for often. */
const messages = new WeakMap<StoredEntry, unknown>();

function messageOf(entry: StoredEntry): unknown {
  const { afterTime } = entry;
  const after = afterTime === undefined ? "" : `${AFTER}: ${afterTime}\r\n`;
  return {
    seq: entry.sequence,
    subject: entry.subject,
    time: formatNanoseconds(entry.nanoseconds),
    hdrs: encoder.encode(
      `NATS/1.0\r\nNats-Msg-Id: ${entry.messageId}\r\n${after}\r\n`,
    ).toBase64(),
    data: entry.payload.toBase64(),
  };
}

function readEntry(entry: StoredEntry): ReadEntry {
  const { sequence, messageId, subject, payload, afterTime } = entry;
  return {
    sequence,
    time: formatNanoseconds(entry.nanoseconds),
    messageId,
    ...(afterTime !== undefined && { after: afterTime }),
    subject,
    data: payload,
  };
}
