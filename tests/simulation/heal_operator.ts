/**
 * The operator in the simulation of healing: tells what only an operator can
 * mend, and does it as the documents say.
 *
 * @module
 */
import type { ObjectMeta } from "../../src/log/jetstream/object_meta.ts";
import { toldIdentity } from "../../src/log/jetstream/log_identity.ts";
import type { SimulatedService } from "../support/simulated_service.ts";
import { healPointOf } from "../support/simulated_stream.ts";
import type { HealStorm } from "./heal_storm.ts";

/** How long an operator looks at replicas that are forked: all are told of it. */
const OPERATOR_MS = 10_000;

/** Watches one run, and acts when nothing goes on by itself. */
export class HealOperator {
  constructor(private readonly storm: HealStorm) {}

  /**
   * Whether nothing goes on by itself: there are two histories, or a fence says,
   * or the log goes on from, a state that nobody has any more: its only replica
   * has died, and an older bucket was put back. Or the bucket alone is left.
   */
  get isBeyondRepair(): boolean {
    return this.areTwoHistories || this.#isFenceOfNobody() ||
      this.#isBeginningLost() || this.#isBucketLeftAlone();
  }

  /**
   * Whether the stream is gone, and so are all replicas that could make it again:
   * those that live are forked, or were started and are held, since there is a
   * snapshot. A new start with RESTORE_FROM makes the log from that.
   */
  #isBucketLeftAlone(): boolean {
    const { objects, services, broker: { stream }, lossCount } = this.storm;
    return lossCount > 0 && stream === undefined && services.length > 0 &&
      services.every(({ replica: { replica } }) =>
        replica.state === "forked" ||
        replica.isHeld
      ) &&
      objects.snapshots().some(({ isWhole, meta: { info } }) =>
        isWhole && info.rows > 0
      );
  }

  /** Whether a replica runs that makes the log again if its stream is removed. */
  get canStreamBeRemoved(): boolean {
    return this.storm.services.some(({ process, replica }) =>
      !process.isPaused && replica.applied.length > 0 &&
      replica.replica.readable && replica.replica.state !== "forked"
    );
  }

  /** An operator gives up what nobody has: the replicas make the log again. */
  async removeStream(): Promise<void> {
    const { promises, time } = this.storm;
    await time.runUntil(time.now + OPERATOR_MS);
    if (this.areTwoHistories || !this.isBeyondRepair) return;
    promises.seen.push("the stream is removed");
    this.#giveUpSnapshots();
    this.storm.removeStream();
  }

  /** Those of a log that no replica has are of no use where its stream is removed. */
  #giveUpSnapshots(): void {
    const { promises, services, objects, broker: { stream } } = this.storm;
    const id = toldIdentity(stream!.config);
    const isHad = services.some((one) =>
      one.replica.applied.length > 0 && !isOfAnother(one, id)
    );
    if (isHad) return;
    for (const { meta } of objects.snapshots()) {
      if (meta.info.logId !== id) continue;
      promises.ledger.giveUp(this.#historyOf(meta));
    }
  }

  /** Whether a replica says that it does not heal for the sake of another history. */
  get areTwoHistories(): boolean {
    const { services, lossCount } = this.storm;
    return lossCount >= 2 &&
      services.some((one) =>
        tellsOfTwo(one) &&
        this.#histories.some((other) => areTwo(one.replica.applied, other))
      );
  }

  /** Those of replicas and of snapshots. */
  get #histories(): (readonly string[])[] {
    const { services, objects } = this.storm;
    return [
      ...services.map(({ replica: { applied } }) => applied),
      ...objects.snapshots().map(({ meta }) => this.#historyOf(meta)),
    ];
  }

  #historyOf({ info: { sequence, time } }: ObjectMeta): string[] {
    return this.storm.broker.keysUpTo(`${sequence}@${time}`);
  }

  /**
   * An operator gives up one of two histories: replicas that have it are started
   * anew, and snapshots of it deleted.
   */
  async choose(): Promise<void> {
    const { promises, random, services, objects, time } = this.storm;
    // A replica that has just heard of the other history may be forked at once.
    await time.runUntil(time.now + OPERATOR_MS);
    if (!this.areTwoHistories) return;
    promises.seen.push("two histories");
    const chosen = random.pick(services.filter(tellsOfTwo)).replica.applied;
    const giveUp = (history: readonly string[]) => {
      const lost = history.filter((key, i) => key !== chosen[i]);
      promises.ledger.giveUp(lost);
    };
    for (const { meta } of objects.snapshots()) {
      const history = this.#historyOf(meta);
      if (!areTwo(history, chosen)) continue;
      giveUp(history);
      objects.remove(meta);
    }
    const wrong = services.filter(({ replica: { applied } }) =>
      areTwo(applied, chosen)
    );
    for (const service of wrong) {
      giveUp(service.replica.applied);
      this.storm.end(service);
    }
    for (const { name } of wrong) this.storm.start(name);
  }

  #isBeginningLost(): boolean {
    const { objects, services, broker: { stream } } = this.storm;
    if (stream === undefined) return false;
    const { first, last, entries } = stream;
    // The product itself never cuts a log behind what is stored.
    const mayBeLost = this.storm.lossCount > 0 || first <= this.storm.emptiedTo;
    // What ends directly before the first entry has to be shown to be of the
    // same history, unless there is none yet.
    const begin = entries.get(first);
    const isShown = first === 1 || last < first ||
      begin !== undefined &&
        (healPointOf(begin) !== undefined || begin.afterTime !== undefined);
    const reaches = (sequence: number) =>
      sequence >= (isShown ? first - 1 : first);
    // Another log may go on beside it.
    const id = toldIdentity(stream.config);
    return mayBeLost &&
      services.every((one) =>
        !reaches(one.replica.applied.length) ||
        isForkedBeyond(one, first - 1) ||
        isForkedAt(one, first - 1, stream.history) ||
        isOfAnother(one, id)
      ) &&
      !objects.snapshots().some(({ isWhole, meta: { info } }) =>
        isWhole && info.logId === id && reaches(info.sequence)
      );
  }

  #isFenceOfNobody(): boolean {
    const { promises: { pending }, objects, services, broker } = this.storm;
    if (pending === undefined) return false;
    const { point } = pending;
    const key = broker.keyAt(point);
    return services.every((one) =>
      one.replica.applied[point.sequence - 1] !== key ||
      isForkedBeyond(one, point.sequence)
    ) && !objects.snapshots().some(({ isWhole, meta: { info } }) =>
      isWhole && info.sequence === point.sequence &&
      info.digest === point.digest
    );
  }

  /** Whether a replica has another history, or another log. */
  isLost(service: SimulatedService): boolean {
    const { stream } = this.storm.broker;
    return service.replica.replica.state === "forked" ||
      stream !== undefined && isOfAnother(service, toldIdentity(stream.config));
  }

  /** An operator starts those anew that have another history. */
  async restart(): Promise<void> {
    const { promises, services, time } = this.storm;
    if (services.every((one) => !this.isLost(one))) return;
    await time.runUntil(time.now + OPERATOR_MS);
    const lost = services.filter((one) => this.isLost(one));
    for (const service of lost) {
      const { state } = service.replica.replica;
      promises.seen.push(state === "forked" ? state : "another log");
      promises.checkFork(service);
      this.storm.end(service);
    }
    for (const { name } of lost) this.storm.start(name);
  }
}

/** Whether a replica says that there are two histories. */
function tellsOfTwo(
  { process, replica: { replica } }: SimulatedService,
): boolean {
  // One that is stopped tells what was true once.
  return !process.isPaused && replica.state === "healing" &&
    /nobody can tell/.test(replica.reason);
}

/**
 * Whether a replica went past a state another way than the log: it does not have
 * that state any more, and nobody goes on from the one that it has.
 */
function isForkedBeyond(
  { replica: { replica, applied } }: SimulatedService,
  sequence: number,
): boolean {
  return replica.state === "forked" && applied.length > sequence;
}

/** Whether a replica is forked and has another entry at a sequence than the log. */
function isForkedAt(
  { replica: { replica, applied } }: SimulatedService,
  sequence: number,
  history: readonly string[],
): boolean {
  return replica.state === "forked" &&
    applied[sequence - 1] !== history[sequence - 1];
}

/** Whether a replica follows a log with another id than the stream tells. */
function isOfAnother(
  { replica: { replica: { log } } }: SimulatedService,
  id: string | undefined,
): boolean {
  return log !== undefined && log.id !== id;
}

/** Whether neither history is the beginning of the other one. */
function areTwo(one: readonly string[], other: readonly string[]): boolean {
  const common = Math.min(one.length, other.length);
  return common > 0 && one[common - 1] !== other[common - 1];
}
