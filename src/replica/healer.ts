/**
 * Healing at work: looks at the log and at the store of snapshots, and does one
 * step after the other until the log is whole.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { UnavailableError } from "../errors.ts";
import { LogMovedError, type LogStatus } from "../log/log.ts";
import { SnapshotDamagedError } from "../snapshot/snapshot.ts";
import type { LogEnd } from "./fit.ts";
import { forkByOthers, ForkedError } from "./fork.ts";
import { healingFork, healingStep } from "./healing.ts";
import { HealingCalls, type HealingPorts } from "./healing_calls.ts";
import type {
  HealingCondition,
  HealingFacts,
  HealingSnapshot,
  HealingStep,
  OwnState,
} from "./healing_facts.ts";
import { LossWatch } from "./healing_loss.ts";
import { companions, lostSnapshot } from "./healing_rivals.ts";
import { describe, performHealing } from "./healing_steps.ts";
import { HealingTroubles } from "./healing_troubles.ts";
import { SnapshotReads } from "./snapshot_reads.ts";

const logger = getLogger(["usergrade", "healing"]);

/** How often the next step is considered. */
const CONSIDER_MS = 250;

/** How often the log and the store are looked at while nothing is to be done. */
const LOOK_MS = 1_000;

/** How many steps are done before the next one is considered anew. */
const STEPS_MAX = 16;

/** What a healer is for. */
export interface HealerOptions {
  readonly replicaId: string;
  /** Names the store in log lines. */
  readonly storeName: string;
  /** How long to wait for a fuller replica; 0: the log is not healed. */
  readonly healAfter_ms: number;
}

/** The replica and its cluster now. */
export interface HealerSituation
  extends Pick<HealingFacts, "others" | "awaited" | "isPresenceOn"> {
  /** Undefined before the log is open. */
  readonly own: OwnState | undefined;
}

/** What a healer needs of its service. */
export interface HealerPorts extends HealingPorts {
  situation(): HealerSituation;
  /** Goes on from a snapshot of the store, verified, at any cost of time. */
  restore(snapshot: HealingSnapshot, signal: AbortSignal): Promise<void>;
  /** Why the replica takes no sets has changed. */
  conditionChanged(condition: HealingCondition): void;
  /** Whether this replica can heal its log has changed. */
  healerChanged(isHealer: boolean): void;
}

/** A log and a store at one moment. */
interface Look {
  readonly at_ms: number;
  readonly loss: HealingFacts["loss"];
  readonly snapshots: readonly HealingSnapshot[];
}

/** Makes the log whole that has lost entries. */
export class Healer {
  readonly #stopping = new AbortController();
  readonly #calls: HealingCalls;
  readonly #watch = new LossWatch();
  readonly #troubles = new HealingTroubles();
  readonly #reads = new SnapshotReads();
  #look: Look | undefined;
  #isOrdered = false;
  #isConnected = false;
  #considerAt_ms = -Infinity;
  #turn: Promise<void> | undefined;
  /** The loss that was logged. */
  #toldLoss = "";
  /** How many heal points the replica had; undefined before it has a state. */
  #heals: number | undefined;
  #done = 0;
  #seen = 0;

  constructor(
    private readonly options: HealerOptions,
    private readonly ports: HealerPorts,
  ) {
    this.#calls = new HealingCalls(ports, this.#stopping.signal);
    this.#tellAbility(true);
  }

  /** How many healings this replica has finished since its start. */
  get done(): number {
    return this.#done;
  }

  /** How many healings its log has gone through since its start. */
  get seen(): number {
    return this.#seen;
  }

  /** How many entries that this replica has applied the log does not have now. */
  get lost(): number {
    const { loss } = this.#watch;
    const { own } = this.ports.situation();
    if (loss === undefined || own === undefined) return 0;
    return Math.max(0, own.appliedSequence - loss.lastSequence);
  }

  /** Heals the present loss without waiting for fuller replicas. */
  order(): void {
    this.#isOrdered = true;
  }

  /** The log's status has changed, as the replica was told. */
  logStatusChanged(status: LogStatus): void {
    this.#watch.statusChanged(status, this.ports.now());
    // What was decided from another loss may be wrong now.
    if (status.loss?.type !== this.#look?.loss.type) this.#look = undefined;
    this.#isConnected = status.state === "connected";
    if (!this.#isConnected) return;
    this.#isOrdered = false;
    this.#toldLoss = "";
    this.#troubles.settled();
  }

  /** Does what is to be done. Call it a few times a second. */
  tick(now_ms: number): void {
    this.#calls.tick(now_ms);
    if (this.#stopping.signal.aborted || now_ms < this.#considerAt_ms) return;
    this.#considerAt_ms = now_ms + CONSIDER_MS;
    const { own, others, isPresenceOn } = this.ports.situation();
    if (own === undefined) return;
    this.#noteHeals(own);
    if (own.isForked) return;
    // While it is connected, the log's own entries have shown that it is not.
    const fork = this.#isConnected
      ? undefined
      : forkByOthers(own, companions({ own, others }));
    if (fork !== undefined) return this.#fork(fork);
    this.#troubles.retry(now_ms);
    this.#tellAbility(isPresenceOn && this.#troubles.problem === undefined);
    if (this.#watch.loss === undefined || this.#turn !== undefined) return;
    this.#turn = this.#work(own).finally(() => this.#turn = undefined);
  }

  #tellAbility(isAble: boolean): void {
    this.ports.healerChanged(
      isAble && (this.options.healAfter_ms > 0 || this.#isOrdered),
    );
  }

  #noteHeals({ heals, isWhole }: OwnState): void {
    const { count, last } = heals;
    if (this.#heals !== undefined && count > this.#heals) {
      this.#seen += count - this.#heals;
      logger.warn(
        "The log was healed to entry {sequence} (digest {digest}); it was healed {count} times in all",
        { ...last, count },
      );
    }
    if (isWhole || this.#heals !== undefined) this.#heals = count;
  }

  /** Whether there may be something to do, as far as is known. */
  #isWorthALook(own: OwnState): boolean {
    const now_ms = this.ports.now();
    const { loss } = this.#watch;
    if (loss === undefined) return false;
    const look = this.#look ?? { at_ms: -Infinity, loss, snapshots: [] };
    const step = this.#decide(own, look);
    if (step.type === "none") {
      this.#tell(step);
      if (step.why === "off") return false;
    }
    if (this.#troubles.isWaiting(now_ms)) return false;
    return step.type !== "none" || now_ms - look.at_ms >= LOOK_MS;
  }

  /** Does steps until none is to be done, or so many that others want a turn. */
  async #work(before: OwnState): Promise<void> {
    let what = "looking";
    try {
      if (!this.#isWorthALook(before)) return;
      for (let steps = 0; steps < STEPS_MAX; steps++) {
        what = "looking";
        const look = await this.#lookAgain();
        const { own } = this.ports.situation();
        if (look === undefined || own === undefined || own.isForked) return;
        this.#tellLoss(own, look);
        const fork = healingFork(this.#facts(own, look));
        if (fork !== undefined) return this.#fork(fork);
        const step = this.#decide(own, look);
        this.#tell(step);
        if (step.type === "none") return;
        what = step.type;
        await this.#do(step);
        this.#troubles.over();
      }
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      // The log is another one by now: what is to be done, too.
      if (error instanceof LogMovedError) this.#look = undefined;
      else this.#troubles.failed(what, error as Error, this.ports.now());
    }
  }

  /** Looks at the log first: what is stored for it never goes back. */
  async #lookAgain(): Promise<Look | undefined> {
    const loss = await this.#calls.look();
    // The log says so by its status, too.
    if (loss === undefined) {
      this.#look = undefined;
      return undefined;
    }
    const snapshots = await this.#list();
    const at_ms = this.ports.now();
    this.#watch.looked(loss, at_ms);
    this.#look = { at_ms, loss, snapshots };
    return this.#look;
  }

  /** This log's snapshots, newest first. */
  async #list(): Promise<HealingSnapshot[]> {
    const { own } = this.ports.situation();
    const listed = await this.#calls.list();
    this.#reads.keep(new Map(listed.map((one) => [one.id, one])));
    return listed.filter(({ info }) => info.logId === own?.logId)
      .map(({ id, info, isVerified }) => ({
        id,
        info,
        isVerified,
        isUnreadable: this.#reads.isGivenUp(id),
      }));
  }

  /**
   * Goes on from a stored snapshot that has what the log has lost, if nobody who
   * lives has as much: the log has lost entries for this replica, too, then.
   *
   * @param end The log's end, before this replica proposes to it.
   * @returns Whether nothing is to be proposed yet.
   */
  async recover(end: Pick<LogEnd, "sequence" | "time">): Promise<boolean> {
    if (this.options.healAfter_ms === 0) return false;
    if (this.#turn !== undefined) return true;
    const recovering = this.#recover(end).catch((error: Error) => {
      logger.warn("Snapshots beyond the log's end: {reason}", {
        reason: error.message,
      });
      // A replica must not wait for a store that it can't read.
      return error instanceof ForkedError;
    });
    this.#turn = recovering.then(() => {}).finally(() =>
      this.#turn = undefined
    );
    return await recovering;
  }

  async #recover(end: Pick<LogEnd, "sequence" | "time">): Promise<boolean> {
    const snapshots = await this.#list();
    const { own } = this.ports.situation();
    if (own === undefined || own.isForked) return false;
    const snapshot = lostSnapshot(own, snapshots, end);
    if (snapshot === undefined) return false;
    await this.#do({ type: "restore", snapshot });
    return true;
  }

  #facts(own: OwnState, { loss, snapshots }: Look): HealingFacts {
    return {
      ...this.ports.situation(),
      own,
      now_ms: this.ports.now(),
      loss,
      snapshots,
      lossSince_ms: this.#watch.since_ms,
      fenceSince_ms: this.#watch.fenceSince_ms,
      healAfter_ms: this.options.healAfter_ms,
      isOrdered: this.#isOrdered,
      problem: this.#troubles.problem,
    };
  }

  #decide(own: OwnState, look: Look): HealingStep {
    return healingStep(this.#facts(own, look));
  }

  async #do(step: Exclude<HealingStep, { type: "none" }>): Promise<void> {
    const { options: { replicaId, storeName }, ports } = this;
    try {
      await performHealing(step, this.#calls, {
        name: storeName,
        replicaId,
        now: () => ports.now(),
        restore: (snapshot) => ports.restore(snapshot, this.#stopping.signal),
      });
    } catch (error) {
      if (step.type === "verify" || step.type === "restore") {
        const { id } = step.snapshot;
        if (error instanceof SnapshotDamagedError) this.#reads.doubt(id);
        else this.#reads.failed(id);
      }
      throw error;
    }
    if (step.type === "mark") this.#done++;
  }

  #tellLoss({ appliedSequence }: OwnState, { loss }: Look): void {
    const { lastSequence, type, reason } = loss;
    const told = `${type} ${lastSequence} ${appliedSequence}`;
    if (
      type !== "gone" && type !== "tail" || told === this.#toldLoss ||
      !this.#watch.isCertain(this.ports.now())
    ) return;
    this.#toldLoss = told;
    logger.error(
      "The log has lost entries {from} to {to}, which this replica has applied: {reason}",
      { from: lastSequence + 1, to: appliedSequence, reason },
    );
  }

  /** Tells the replica, and so the probes and the other replicas. */
  #tell(step: HealingStep): void {
    const { loss } = this.#watch;
    if (loss === undefined) return;
    if (step.type === "none") this.#troubles.idle(step);
    if (!this.#watch.isCertain(this.ports.now())) return;
    if (step.type === "none" && step.why === "off") {
      this.ports.conditionChanged({ type: "unhealed", reason: step.reason });
      return;
    }
    const does = step.type === "none" ? step.reason : describe(step);
    this.ports.conditionChanged({
      type: "healing",
      reason: `${loss.reason}; ${does}`,
    });
  }

  #fork(reason: string): void {
    this.ports.conditionChanged({ type: "forked", reason });
  }

  /** Ends the step under way, and begins none. */
  async stop(): Promise<void> {
    this.#stopping.abort(
      new UnavailableError("The log is not healed: the service is stopping"),
    );
    await this.#turn;
  }
}
