/**
 * Replicas over an in-memory log that delays, duplicates, drops and
 * disconnects: the product's own decisions, with a seed in the place of a
 * network.
 *
 * @module
 */
import { encodeEntry } from "../../src/log/entry_codec.ts";
import {
  EntryFeed,
  type FeedMessage,
} from "../../src/log/jetstream/entry_feed.ts";
import { NotStoredError } from "../../src/log/log.ts";
import { type Proposal, Proposals } from "../../src/log/jetstream/proposals.ts";
import { Replica } from "../../src/replica/replica.ts";
import type { Random } from "./random.ts";
import type { SimulatedTime } from "./simulated_time.ts";

/** How long a set may take, in simulated time. */
export const TIMEOUT_MS = 1_000;

interface StoredEntry {
  readonly id: string;
  readonly subject: string;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** The log itself: it never loses what it took, and knows message ids again. */
export class SimulatedLog {
  readonly entries: StoredEntry[] = [];
  readonly #ids = new Set<string>();

  /** Takes a message, unless it has its id already. */
  publish(entry: StoredEntry): void {
    if (this.#ids.has(entry.id)) return;
    this.#ids.add(entry.id);
    this.entries.push(entry);
  }
}

/** How bad the network is: probabilities in percent. */
export interface Weather {
  drop: number;
  duplicate: number;
  refuse: number;
  disconnect: number;
  delay_ms: number;
}

/** One replica with its connection. */
export class SimulatedReplica {
  readonly replica: Replica;
  readonly #proposals = new Proposals(TIMEOUT_MS);
  readonly #feed: EntryFeed;
  #connected = true;
  /** Tells the deliveries of one consumer from those of the ones before. */
  #consumer = 0;
  /** What the consumer was sent last. */
  #sent = 0;
  /** When its last message arrives. */
  #arrival = 0;

  constructor(
    private readonly name: string,
    private readonly log: SimulatedLog,
    private readonly time: SimulatedTime,
    private readonly random: Random,
    private readonly weather: Weather,
  ) {
    this.#feed = new EntryFeed(
      name,
      `usergrade.v1.set.${name}`,
      this.#proposals,
    );
    this.replica = new Replica({
      propose: (batch, text) => this.#propose(batch, encodeEntry(text)),
      defer: (callback) => time.after(0, callback),
      now: () => time.now,
    }, TIMEOUT_MS);
    this.replica.beginRestore({ id: "log", firstSequence: 1, lastSequence: 0 });
    this.replica.endRestore(0, null);
    this.#consume();
    this.#every(100, () => this.#tick());
    this.#every(500, () => this.#heartbeat());
    this.#every(5, () => this.#send());
  }

  #every(ms: number, run: () => void): void {
    this.time.after(ms, () => {
      run();
      this.#every(ms, run);
    });
  }

  #happens(percent: number): boolean {
    return this.random.below(100) < percent;
  }

  #delayed(run: () => void): void {
    this.time.after(this.random.below(this.weather.delay_ms + 1), run);
  }

  #propose(batch: number, payload: Uint8Array<ArrayBuffer>): void {
    if (!this.#connected) {
      this.time.after(
        0,
        () => this.replica.proposalFailed(batch, new NotStoredError("away")),
      );
      return;
    }
    const { proposal, ended } = this.#proposals.add(
      batch,
      payload,
      this.time.now,
    );
    ended.catch((error) => this.replica.proposalFailed(batch, error));
    this.#publish(proposal);
  }

  #publish({ batch, payload }: Proposal): void {
    if (!this.#connected || this.#happens(this.weather.drop)) return;
    this.#delayed(() => {
      if (this.#happens(this.weather.refuse)) {
        this.#delayed(() => this.#proposals.refuse(batch, "refused"));
        return;
      }
      this.log.publish({
        id: this.#feed.messageId(batch),
        subject: `usergrade.v1.set.${this.name}`,
        payload,
      });
    });
  }

  /** Starts a new consumer after the last entry fed. */
  #consume(): void {
    this.#consumer++;
    this.#sent = this.#feed.fed;
    this.replica.logStatusChanged({ state: "connected", reason: "fine" });
    for (const proposal of this.#proposals.retry(this.time.now, 0)) {
      this.#publish(proposal);
    }
  }

  /** Sends what the log has had since the last time. */
  #send(): void {
    while (this.#connected && this.#sent < this.log.entries.length) {
      this.#deliver(this.#sent++);
    }
  }

  #deliver(index: number): void {
    if (this.#happens(this.weather.drop)) return;
    const { id, subject, payload } = this.log.entries[index];
    const message: FeedMessage = {
      subject,
      reply: `$JS.ACK.S.C.1.${index + 1}.1.1700000000000000000.0`,
      status: 0,
      header: () => id,
      data: payload,
    };
    const copies = this.#happens(this.weather.duplicate) ? 2 : 1;
    for (let i = 0; i < copies; i++) this.#receiveLater(message);
  }

  #heartbeat(): void {
    if (!this.#connected) return;
    this.#receiveLater({
      subject: "heartbeat",
      reply: undefined,
      status: 100,
      header: (name) => name === "Nats-Last-Stream" ? String(this.#sent) : "",
      data: new Uint8Array(0),
    });
  }

  #receiveLater(message: FeedMessage): void {
    const consumer = this.#consumer;
    // A connection drops and delays, but does not change the order.
    this.#arrival = Math.max(
      this.#arrival,
      this.time.now + this.random.below(this.weather.delay_ms + 1),
    );
    this.time.after(this.#arrival - this.time.now, () => {
      if (consumer !== this.#consumer || !this.#connected) return;
      const signal = this.#feed.receive(message);
      const { entries } = this.#feed.take();
      this.replica.apply(entries, this.#feed.lastSequence);
      if (signal === "gap") this.#consume();
    });
  }

  #tick(): void {
    this.#proposals.expire(this.time.now);
    this.replica.tick();
    for (const proposal of this.#proposals.retry(this.time.now)) {
      this.#publish(proposal);
    }
    if (this.#connected && this.#happens(this.weather.disconnect)) {
      this.#connected = false;
      this.#consumer++;
      this.replica.logStatusChanged({ state: "away", reason: "gone" });
      this.time.after(this.random.below(2_000), () => {
        this.#connected = true;
        this.#consume();
      });
    }
  }
}
