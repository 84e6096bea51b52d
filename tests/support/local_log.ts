/**
 * A log in this process that takes at once what one replica proposes, and keeps
 * the bytes: what any other replica is told.
 *
 * @module
 */
import { encodeEntry } from "../../src/log/change.ts";
import type { LogEntry } from "../../src/log/log.ts";
import { Replica } from "../../src/replica/replica.ts";
import { Storage } from "../../src/storage/storage.ts";
import { type Kind, withoutMemory } from "./memory.ts";

const TIME = "2026-11-23T22:49:59.123456789Z";

/** The log's identity. */
export const LOCAL_LOG_ID = "8f14e45fceea167a";

/** A log, and the replica that proposes to it. */
export class LocalLog {
  /** The payloads, that of entry 1 first. */
  readonly payloads: Uint8Array<ArrayBuffer>[] = [];
  /** Applies its own sets as it holds them. */
  readonly proposer: Replica;
  /** What it finds no memory for. */
  without: Kind | undefined;

  constructor() {
    this.proposer = newReplica((batch, text) => {
      const sequence = this.payloads.push(encodeEntry(text));
      const entries = [{ sequence, time: TIME, batch }];
      queueMicrotask(() => {
        const apply = () => this.proposer.apply(entries, sequence);
        if (this.without === undefined) apply();
        else withoutMemory(this.without, apply);
      });
    });
  }

  /** @returns A replica that has read the payloads, and nothing else. */
  follower(): Replica {
    const replica = newReplica(() => {});
    const entries = this.payloads.map((payload, i): LogEntry => ({
      sequence: i + 1,
      time: TIME,
      payload,
    }));
    replica.apply(entries, entries.length);
    return replica;
  }
}

function newReplica(propose: (batch: number, text: string) => void): Replica {
  const replica = new Replica({
    propose,
    defer: queueMicrotask,
    now: () => performance.now(),
  }, 60_000);
  replica.logStatusChanged({ state: "connected", reason: "it is open" });
  replica.logOpened({ id: LOCAL_LOG_ID, firstSequence: 1, lastSequence: 0 });
  replica.adopt(new Storage(), { sequence: 0, time: null });
  return replica;
}
