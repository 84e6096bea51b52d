/**
 * What must be true of a log, its fences and its replicas at any time, whatever
 * the broker loses.
 *
 * @module
 */
import type { HealPoint } from "../../src/log/healable_log.ts";
import type { SimulatedBroker } from "../support/simulated_broker.ts";
import type { SimulatedObjects } from "../support/simulated_objects.ts";
import type { SimulatedService } from "../support/simulated_service.ts";
import {
  entryKey,
  FENCE_SUBJECT,
  healPointOf,
  type StoredEntry,
} from "../support/simulated_stream.ts";
import type { SimulatedStates } from "../support/simulated_states.ts";
import type { SimulatedTime } from "../support/simulated_time.ts";
import { formatNanoseconds } from "../support/nanoseconds.ts";
import {
  type KnowledgeWorld,
  mayNotKnow,
  mayNotKnowStored,
} from "./heal_knowledge.ts";
import { HealLedger } from "./heal_ledger.ts";

/** What the promises are about. */
export interface HealWorld extends KnowledgeWorld {
  readonly broker: SimulatedBroker;
  readonly objects: SimulatedObjects;
  readonly time: SimulatedTime;
  readonly states: SimulatedStates;
  readonly services: readonly SimulatedService[];
  /** How often the broker has lost something. */
  readonly lossCount: number;
  /**
   * When it lost something for the first time, or looked so before to whoever
   * asked it; infinite before.
   */
  readonly firstLoss_ms: number;
  readonly healAfter_ms: number;
}

/** Watches all that replicas do to one log. */
export class HealPromises {
  readonly ledger: HealLedger;
  /** How often each thing was seen. */
  readonly seen: string[] = [];
  /** The key of the entry at each heal point that was fenced. */
  readonly #healed = new Map<string, string>();
  /** What was not true: no replica may hide it. */
  #violation: Error | undefined;

  constructor(private readonly world: HealWorld) {
    const { broker, objects, services } = world;
    this.ledger = new HealLedger(broker, objects, services);
    broker.stored = (entry) => this.#stored(entry);
    broker.keyAt = (point) => this.#healed.get(JSON.stringify(point));
  }

  /** Remembers the first thing that does not hold. */
  mustHold(holds: boolean, what: () => string): void {
    if (holds || this.#violation !== undefined) return;
    const { time, broker: { stream } } = this.world;
    const log = stream === undefined
      ? "there is no stream"
      : `the stream has ${stream.first} to ${stream.last}`;
    this.#violation = new Error(`${what()} at ${time.now}: ${log}`);
  }

  /** @throws {Error} If anything did not hold. */
  check(): void {
    if (this.#violation !== undefined) throw this.#violation;
  }

  /**
   * The fence that stands in the log and whose mark does not. `from` is where
   * the first such one stands: a log that is put back may have several.
   */
  get pending():
    | { readonly at: number; readonly from: number; readonly point: HealPoint }
    | undefined {
    const { fences = [] } = this.world.broker.stream ?? {};
    const isPending = (fence: StoredEntry) =>
      fence.sequence <= healPointOf(fence)!.sequence;
    const fence = fences.at(-1);
    return fence !== undefined && isPending(fence)
      ? {
        at: fence.sequence,
        from: fences.find(isPending)!.sequence,
        point: healPointOf(fence)!,
      }
      : undefined;
  }

  /**
   * Whoever writes to the log has to know what others have applied: nobody
   * writes where a replica that can be heard has another entry.
   */
  #stored(entry: StoredEntry): void {
    if (entry.subject === FENCE_SUBJECT) return;
    const { world } = this;
    const writer = world.lifeOf(entry.subject.split(".").at(-1)!);
    const key = keyOf(entry);
    const pending = this.pending;
    const isVoid = pending !== undefined &&
      entry.sequence <= pending.point.sequence;
    if (isVoid) this.seen.push("void entry");
    this.#writtenOver(
      writer,
      ({ replica: { applied } }) =>
        applied[entry.sequence - 1] === key
          ? []
          : applied.slice(entry.sequence - 1),
      !isVoid,
      (other, { length }) =>
        `${writer.name} writes entry ${entry.sequence}, and ${other.name} has ${length} from there on`,
    );
    if (isVoid) return;
    this.#goOnFromWriter(entry, writer);
    this.#leaveStored(writer, writer.admitted_ms, entry.sequence, key);
  }

  /**
   * Nothing in a log that was emptied shows which of two histories it had. It
   * goes on from that of its next writer, if that could not hear those of the
   * other one.
   */
  #goOnFromWriter({ sequence }: StoredEntry, writer: SimulatedService): void {
    const { broker, broker: { stream } } = this.world;
    const before = writer.replica.applied.slice(0, sequence - 1);
    const isShown = stream!.first < sequence ||
      before.length < sequence - 1 ||
      before.at(-1) === stream!.history.at(-2);
    if (isShown) return;
    broker.goOnFrom(before);
    this.#writtenOver(
      writer,
      ({ replica: { applied } }) =>
        applied.slice(0, sequence - 1).filter((key, i) => key !== before[i]),
      true,
      (other, { length }) =>
        `${writer.name} goes on with entry ${sequence}, and ${other.name} has ${length} of another history`,
    );
    this.ledger.settle();
  }

  /**
   * @param writer Who writes.
   * @param lost The keys that a replica has and the log will not.
   * @param isFinal Whether the log will not have them because of it.
   */
  #writtenOver(
    writer: SimulatedService,
    lost: (other: SimulatedService) => readonly string[],
    isFinal: boolean,
    what: (other: SimulatedService, keys: readonly string[]) => string,
  ): void {
    const { abandoned } = this.ledger;
    for (const other of this.world.services) {
      const keys = lost(other).filter((key) => !abandoned.has(key));
      if (keys.length === 0) continue;
      const isExcused = other !== writer &&
        mayNotKnow(writer, other, this.world);
      this.mustHold(isExcused, () => what(other, keys));
      if (!isFinal) continue;
      this.seen.push("abandoned");
      for (const key of keys) abandoned.add(key);
    }
  }

  /**
   * Abandons what is stored and the log will not have, where the writer need not
   * know of it.
   *
   * @param since_ms When it was let in.
   * @param sequence The entry that it writes, with this key.
   */
  #leaveStored(
    writer: SimulatedService,
    since_ms: number,
    sequence: number,
    key?: string,
  ): void {
    const { world, world: { objects, broker }, ledger: { abandoned } } = this;
    for (const snapshot of objects.snapshots()) {
      const { isWhole, meta: { info } } = snapshot;
      if (!isWhole || info.sequence < sequence) continue;
      const keys = broker.keysUpTo(`${info.sequence}@${info.time}`)
        .slice(sequence - 1);
      if (
        keys[0] === key || !mayNotKnowStored(writer, since_ms, snapshot, world)
      ) continue;
      for (const lost of keys) abandoned.add(lost);
    }
  }

  /** A replica is about to write a fence or a mark, which the log will take. */
  fencing(name: string, data: string): void {
    const { broker } = this.world;
    const { healed_to, digest } = JSON.parse(data);
    const point = { sequence: healed_to, digest };
    const healer = this.world.lifeOf(name);
    if (point.sequence === broker.stream!.last) {
      const key = broker.keyAt(point) ?? this.#emptiedAt(point);
      return this.#marking(healer, point, broker.keysUpTo(key));
    }
    const chain = broker.keysUpTo(this.#noteHealed(healer, point));
    this.seen.push("fence");
    this.#checkFence(healer, point, chain);
    this.#writtenOver(
      healer,
      ({ replica: { applied } }) =>
        applied.filter((key, i) => key !== chain[i]),
      true,
      (other, { length }) =>
        `${name} heals to ${point.sequence}, and ${other.name} has ${length} that are none of it`,
    );
  }

  /**
   * A log that was emptied behind its mark looks like one whose mark is missing.
   * It gets one more, which must say the state that the log goes on from.
   */
  #emptiedAt({ digest }: HealPoint): string | undefined {
    const { states, broker: { stream } } = this.world;
    const last = stream!.history.at(-1);
    return states.after(last).digest === digest ? last : undefined;
  }

  /** The healer's own entry, or that of a snapshot if it finishes another's work. */
  #noteHealed(
    { name, replica: { applied } }: SimulatedService,
    point: HealPoint,
  ): string | undefined {
    const keys = this.world.states.keysAt(point);
    const healed = keys.find((key) => key === applied[point.sequence - 1]) ??
      keys.at(-1);
    this.mustHold(
      healed !== undefined,
      () => `${name} fences a state that never was`,
    );
    if (healed !== undefined) this.#healed.set(JSON.stringify(point), healed);
    return healed;
  }

  #checkFence(
    healer: SimulatedService,
    point: HealPoint,
    chain: readonly string[],
  ): void {
    const { broker, time, lossCount, firstLoss_ms, healAfter_ms } = this.world;
    const { name, replica: { applied } } = healer;
    const { last, history } = broker.stream!;
    this.mustHold(lossCount > 0, () => `${name} heals what was never lost`);
    this.mustHold(healAfter_ms > 0, () => `${name} heals, and is not to`);
    this.mustHold(
      time.now >= firstLoss_ms + healAfter_ms,
      () => `${name} heals ${time.now - firstLoss_ms} ms after the loss`,
    );
    this.mustHold(
      last < point.sequence,
      () => `${name} heals to ${point.sequence}, and the log is longer`,
    );
    this.mustHold(
      this.#isKept(point),
      () => `${name} heals to ${point.sequence}, and that is not stored`,
    );
    const pending = this.pending;
    const before = pending === undefined ? undefined : broker.keyAt(
      pending.point,
    );
    this.mustHold(
      pending === undefined ||
        applied.length > pending.point.sequence &&
          chain[pending.point.sequence - 1] === before,
      () => `${name} supersedes the fence at ${pending?.at}`,
    );
    // What is behind a fence that does not count is void.
    const end = pending === undefined ? last : pending.from - 1;
    const other = history.slice(0, end).findIndex((key, i) =>
      key !== chain[i] && !this.ledger.isChosenAgainst(key) &&
      !this.ledger.isNowhere(key) &&
      // A mark alone, of a log that was emptied since, is nothing to lose.
      healPointOf(broker.everStored.get(key)!) === undefined
    );
    this.mustHold(
      other === -1,
      () => `${name} heals over entry ${other + 1}, which is another one`,
    );
  }

  #marking(
    healer: SimulatedService,
    { sequence }: HealPoint,
    chain: readonly string[],
  ): void {
    const { stream } = this.world.broker;
    this.seen.push("mark");
    this.mustHold(
      stream!.first === sequence + 1 &&
        stream!.history.at(-1) === chain.at(-1),
      () => `${healer.name} marks ${sequence}, and the log is not at it`,
    );
    this.#writtenOver(
      healer,
      ({ replica: { applied } }) => applied.slice(sequence),
      true,
      (other, { length }) =>
        `${healer.name} marks ${sequence}, and ${other.name} has ${length} after it`,
    );
  }

  /** The log is about to be cut, or moved beyond its end. */
  trimming(sequence: number): void {
    const stream = this.world.broker.stream!;
    if (sequence <= stream.first) return;
    // JetStream takes no condition with a purge: another healer may have written
    // a newer fence since the log was looked at.
    const fence = stream.fenceBefore(sequence);
    if (fence === undefined) {
      this.mustHold(
        sequence <= stream.last,
        () => `the log is moved to ${sequence} without a fence`,
      );
      this.mustHold(
        this.pending === undefined,
        () => `the log is cut at ${sequence} while it is healed`,
      );
      return;
    }
    this.seen.push("move");
    this.mustHold(
      this.#isKept(healPointOf(fence)!),
      () => `the log is moved to ${sequence} before a snapshot was read back`,
    );
  }

  /** Whether the state at a heal point is in the bucket, and was read back. */
  #isKept({ sequence, digest }: HealPoint): boolean {
    return this.world.objects.snapshots().some(({ meta, isWhole }) =>
      isWhole && meta.isVerified && meta.info.sequence === sequence &&
      meta.info.digest === digest
    );
  }

  /** A replica is about to make a new log: nobody that it can hear may have one. */
  making(maker: SimulatedService): void {
    this.seen.push("new log");
    this.#writtenOver(
      maker,
      ({ replica: { applied } }) => applied,
      true,
      (other, { length }) =>
        `${maker.name} makes a new log, and ${other.name} has ${length}`,
    );
    this.#leaveStored(maker, this.world.time.now, 1);
    this.#leaveWithoutUsers();
  }

  /**
   * Where only states without users are stored, nothing holds a new log back: it
   * has as many users, and only its sequences begin anew.
   */
  #leaveWithoutUsers(): void {
    const { objects, broker } = this.world;
    const infos = objects.snapshots()
      .filter(({ isWhole }) => isWhole)
      .map(({ meta: { info } }) => info);
    if (infos.some(({ rows }) => rows > 0)) return;
    for (const { sequence, time } of infos) {
      for (const key of broker.keysUpTo(`${sequence}@${time}`)) {
        this.ledger.abandoned.add(key);
      }
    }
  }

  /** A replica goes on from a snapshot: nothing that it has may be lost by it. */
  restored(
    { name }: SimulatedService,
    before: readonly string[],
    after: readonly string[],
  ): void {
    const lost = before.find((key, i) =>
      key !== after[i] && !this.#areOneMark(key, after[i]) &&
      // The broker has lost it since, and nothing came after it: who had not
      // heard of that healing has healed the log once more, with all sets.
      !before.slice(i).every((one) => this.#pointOf(one) !== undefined)
    );
    this.mustHold(
      lost === undefined,
      () => `${name} drops entry ${lost} for a snapshot`,
    );
    if (before.length === 0) this.#leaveRestored(after);
  }

  /**
   * A start that had begun to restore the state of one who has died since: the
   * log is being healed from another one meanwhile, without those entries.
   */
  #leaveRestored(keys: readonly string[]): void {
    const { pending, world: { broker } } = this;
    if (pending === undefined) return;
    const chain = broker.keysUpTo(broker.keyAt(pending.point));
    for (const [i, key] of keys.slice(0, chain.length).entries()) {
      if (key !== chain[i]) this.ledger.abandoned.add(key);
    }
  }

  /** A log that was healed to one point twice has another mark, which says the same. */
  #areOneMark(key: string, other: string | undefined): boolean {
    const [point, otherPoint] = [key, other].map((one) => this.#pointOf(one));
    return point !== undefined && point.sequence === otherPoint?.sequence &&
      point.digest === otherPoint.digest;
  }

  /** Whether a key is that of a mark. */
  isMark(key: string | undefined): boolean {
    return this.#pointOf(key) !== undefined;
  }

  /** @returns The heal point that the mark with a key says; undefined for a set. */
  #pointOf(key = ""): HealPoint | undefined {
    const entry = this.world.broker.everStored.get(key);
    return entry && healPointOf(entry);
  }

  /** Who is forked has what the log never will have, and nobody is to blame. */
  checkFork(service: SimulatedService): void {
    const { name, awayUntil_ms, replica: { applied } } = service;
    this.mustHold(
      applied.length === 0 || this.ledger.isAbandoned(applied) ||
        // It has applied late what came before the loss.
        awayUntil_ms > 0,
      () => `${name} is forked without a reason`,
    );
  }

  /**
   * What a replica has applied is one history, of sets and marks alone: no
   * fence that is pending, and nothing behind one.
   */
  checkLife({ name, replica: { applied } }: SimulatedService): void {
    const { broker, states } = this.world;
    const chain = broker.keysUpTo(applied.at(-1));
    // Where nothing came of either, as of the deletion of no one, all have the
    // same state after it, which is what a fence names.
    const other = applied.findIndex((key, i) =>
      key !== chain[i] &&
      states.after(key).digest !== states.after(chain[i]).digest
    );
    this.mustHold(
      chain.length === applied.length && other === -1,
      () => `${name} has applied a mixture: ${other + 1} is another one`,
    );
    for (const key of applied) {
      const entry = broker.everStored.get(key)!;
      const point = healPointOf(entry);
      this.mustHold(
        point === undefined || point.sequence === entry.sequence - 1,
        () => `${name} has applied a fence, ${key}`,
      );
    }
  }
}

function keyOf({ sequence, nanoseconds }: StoredEntry): string {
  return entryKey({ sequence, time: formatNanoseconds(nanoseconds) });
}
