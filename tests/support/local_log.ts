/**
 * A log in this process that takes at once what one replica proposes, and keeps
 * the bytes: what any other replica is told.
 *
 * @module
 */
import type { EntryVersion } from "../../src/log/change.ts";
import { encodeEntry } from "../../src/log/entry_payload.ts";
import { type LogEntry, NO_RETENTION } from "../../src/log/log.ts";
import type { GroupCommitPorts } from "../../src/replica/group_commit.ts";
import { Replica } from "../../src/replica/replica.ts";
import { Storage } from "../../src/storage/storage.ts";
import { type Kind, withoutMemory } from "./memory.ts";

const TIME = "2026-11-23T22:49:59.123456789Z";

/** How long a set or a wait for a sequence may take. */
export const LOCAL_TIMEOUT_MS = 60_000;

/** The log's identity. */
export const LOCAL_LOG_ID = "8f14e45fceea167a";

/** A log, and the replica that proposes to it. */
export class LocalLog {
  /** What any other replica is told, entry 1 first. */
  readonly entries: (LogEntry & Required<Pick<LogEntry, "payload">>)[] = [];
  /** Applies its own sets as it holds them. */
  readonly proposer: Replica;
  /** What it finds no memory for. */
  without: Kind | undefined;
  /** Whether the log takes what is proposed, and says nothing of it. */
  isSilent = false;

  /**
   * @param isOpen Whether the replica knows the log already.
   * @param now The replica's time in milliseconds.
   */
  constructor(isOpen = true, now: () => number = () => performance.now()) {
    this.proposer = newReplica(
      (batch, text, version) => this.#take(batch, text, version),
      now,
    );
    if (isOpen) this.open();
  }

  /** Tells the replica that the log is open and empty. */
  open(): void {
    makeReady(this.proposer);
  }

  /** Takes no entry of more bytes from now on. */
  limitEntries(entryBytesMax: number): void {
    this.proposer.logLimitsChanged({
      id: LOCAL_LOG_ID,
      firstSequence: 1,
      lastSequence: this.entries.length,
      bytes: 0,
      retention: NO_RETENTION,
      entryBytesMax,
    });
  }

  #take(batch: number, text: string, version: EntryVersion): void {
    if (this.isSilent) return;
    const sequence = this.entries.length + 1;
    const payload = encodeEntry(text);
    this.entries.push({ sequence, time: TIME, payload, version });
    const entries = [{ sequence, time: TIME, batch }];
    queueMicrotask(() => {
      const apply = () => this.proposer.apply(entries, sequence);
      if (this.without === undefined) apply();
      else withoutMemory(this.without, apply);
    });
  }

  /** @returns A replica that has read the payloads, and nothing else. */
  follower(): Replica {
    const replica = newReplica(() => {}, () => performance.now());
    makeReady(replica);
    replica.apply(this.entries, this.entries.length);
    return replica;
  }
}

function newReplica(
  propose: GroupCommitPorts["propose"],
  now: () => number,
): Replica {
  return new Replica(
    { propose, defer: queueMicrotask, now },
    LOCAL_TIMEOUT_MS,
  );
}

/** Tells a replica that its log is open and empty. */
function makeReady(replica: Replica): void {
  replica.logStatusChanged({ state: "connected", reason: "it is open" });
  replica.logOpened({ id: LOCAL_LOG_ID, firstSequence: 1, lastSequence: 0 });
  replica.adopt(new Storage(), { sequence: 0, time: null });
}
