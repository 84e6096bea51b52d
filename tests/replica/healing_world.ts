/**
 * A log that loses entries, a store of snapshots, and replicas whose healers
 * make the log whole, in simulated time: every call takes a while, may fail
 * before or after it was done, and whoever made it may die meanwhile.
 *
 * @module
 */
import {
  type Fence,
  type HealPoint,
  LogMovedError,
} from "../../src/log/healable_log.ts";
import type { StoredSnapshot } from "../../src/snapshot/store.ts";
import { SnapshotDamagedError } from "../../src/snapshot/snapshot.ts";
import type { HealPoints } from "../../src/replica/heal_points.ts";
import type { Random } from "../support/random.ts";
import type { SimulatedTime } from "../support/simulated_time.ts";
import { LOG_ID } from "../support/snapshots.ts";
import type { WorldReplica } from "./healing_replica.ts";

/** What goes wrong, in percent of all calls, but for the longest delay. */
export interface Weather {
  fail: number;
  /** A snapshot is damaged before it is read back. */
  damage: number;
  delay_ms: number;
}

/** An entry of the log: a set, or a fence or mark. */
export interface Message {
  /** Two entries never share one. */
  readonly key: string;
  /** When the log took it; it sorts. */
  readonly time: string;
  readonly heal?: HealPoint;
}

/** A state: the keys of its entries, in order, and where the log was healed. */
export interface State {
  readonly messages: readonly Message[];
  readonly heals: HealPoints;
}

/** A snapshot, and what it holds. */
interface Kept {
  readonly state: State;
  readonly info: StoredSnapshot["info"];
  isVerified: boolean;
  readonly isDamaged: boolean;
}

/** A stream. */
interface Stream {
  first: number;
  last: number;
  messages: Map<number, Message>;
}

const digests = new WeakMap<readonly Message[], string>();

/** A digest of what the sets are, and nothing else. */
export function digestOf(messages: readonly Message[]): string {
  const digest = digests.get(messages) ?? newDigest(messages);
  digests.set(messages, digest);
  return digest;
}

function newDigest(messages: readonly Message[]): string {
  let hash = 0xcbf29ce484222325n;
  for (const { key, heal } of messages) {
    if (heal !== undefined) continue;
    for (let i = 0; i < key.length; i++) {
      hash = BigInt.asUintN(
        64,
        (hash ^ BigInt(key.charCodeAt(i))) * 1099511628211n,
      );
    }
  }
  return hash.toString(16).padStart(16, "0");
}

/** The log, the store, and who uses them. */
export class HealingWorld {
  weather: Weather = { fail: 0, damage: 0, delay_ms: 20 };
  /** Undefined while it is gone. */
  stream: Stream | undefined = { first: 1, last: 0, messages: new Map() };
  readonly kept = new Map<string, Kept>();
  readonly replicas: WorldReplica[] = [];
  /** All that was done to the log and the store, for a test to look at. */
  readonly done: string[] = [];
  /** Whether the caller dies now, before or after what it does. */
  dies: (name: string, what: string) => "before" | "after" | undefined = () =>
    undefined;
  /** Whether a call fails now, before it does anything. */
  fails: (what: string) => boolean = () => false;
  #count = 0;

  constructor(readonly time: SimulatedTime, readonly random: Random) {}

  #message(heal?: HealPoint): Message {
    const count = ++this.#count;
    const time = String(count).padStart(9, "0");
    return { key: `k${count}`, time, ...(heal && { heal }) };
  }

  /** Adds sets to the log. */
  append(count: number): void {
    for (let i = 0; i < count; i++) this.#append(this.#message());
  }

  #append(message: Message): void {
    this.stream!.messages.set(++this.stream!.last, message);
  }

  /** Takes the log back to an entry. */
  lose(last: number): void {
    const stream = this.stream!;
    for (let at = last + 1; at <= stream.last; at++) stream.messages.delete(at);
    stream.last = Math.max(last, stream.first - 1);
  }

  /** A copy of the log, to be put back later. */
  copy(): Stream {
    return structuredClone(this.stream!);
  }

  /** The fence that stands in the log and is not a mark. */
  get fence(): Fence | undefined {
    if (this.stream === undefined) return undefined;
    const { first, last, messages } = this.stream;
    for (let at = last; at >= first; at--) {
      const { heal, time } = messages.get(at)!;
      if (heal !== undefined && at <= heal.sequence) {
        return { ...heal, at, time };
      }
    }
    return undefined;
  }

  /** Does something after a while, or doesn't. */
  async call<T>(caller: WorldReplica, what: string, work: () => T): Promise<T> {
    const { random, weather, time } = this;
    const wait = () =>
      new Promise<void>((resolve) =>
        time.after(1 + random.below(weather.delay_ms), resolve)
      );
    await wait();
    const death = this.dies(caller.name, what);
    if (death === "before") caller.die();
    if (caller.isDead) return await new Promise(() => {});
    if (caller.isAway) throw new Error("not connected");
    const fails = random.below(100) < weather.fail;
    if (this.fails(what) || fails && random.below(2) === 0) {
      throw new Error(`${what} failed`);
    }
    const result = work();
    if (death === "after") caller.die();
    await wait();
    if (caller.isDead) return await new Promise(() => {});
    if (fails) throw new Error(`${what} failed`);
    return result;
  }

  remake(name: string): void {
    this.done.push(`${name} remakes`);
    this.stream ??= { first: 1, last: 0, messages: new Map() };
  }

  writeFence(name: string, { sequence, digest }: HealPoint, after: number) {
    if (this.stream === undefined) throw new Error("no stream");
    const { last } = this.stream;
    if (last !== after) throw new LogMovedError(`wrong last sequence: ${last}`);
    const what = sequence === after ? "marks" : "fences";
    this.done.push(`${name} ${what} ${sequence}`);
    this.#append(this.#message({ sequence, digest }));
  }

  moveTo(name: string, { sequence }: HealPoint): void {
    if (this.stream === undefined) throw new Error("no stream");
    this.done.push(`${name} moves to ${sequence}`);
    const { stream } = this;
    for (const at of stream.messages.keys()) {
      if (at <= sequence) stream.messages.delete(at);
    }
    stream.first = Math.max(stream.first, sequence + 1);
    stream.last = Math.max(stream.last, sequence);
  }

  /** Keeps a state. */
  keep(name: string, state: State): StoredSnapshot {
    const id = `s${this.kept.size + 1}`;
    const { messages, heals } = state;
    const sequence = messages.length;
    this.done.push(`${name} writes ${sequence}`);
    const info = {
      logId: LOG_ID,
      sequence,
      time: messages.at(-1)?.time ?? null,
      rows: 1,
      digest: digestOf(messages),
      ...(heals.data && { heals: heals.data }),
    };
    const isDamaged = this.random.below(100) < this.weather.damage;
    this.kept.set(id, { state, info, isVerified: false, isDamaged });
    return this.#stored(id);
  }

  verify(name: string, id: string): StoredSnapshot {
    const kept = this.kept.get(id);
    if (kept === undefined) throw new Error("it is gone");
    if (kept.isDamaged) throw new SnapshotDamagedError("damaged: a bit");
    this.done.push(`${name} reads ${kept.info.sequence}`);
    kept.isVerified = true;
    return this.#stored(id);
  }

  #stored(id: string): StoredSnapshot {
    const { info, isVerified } = this.kept.get(id)!;
    return { id, info, bytes: 1, isVerified };
  }

  /** Newest first. */
  list(): StoredSnapshot[] {
    return [...this.kept.keys()].map((id) => this.#stored(id))
      .toSorted((a, b) => b.info.sequence - a.info.sequence);
  }
}
