/**
 * Healing at work: one step after the other until the log is whole.
 *
 * @module
 */
import { UnavailableError } from "../errors.ts";
import { LogMovedError } from "../log/healable_log.ts";
import type { LogStatus } from "../log/log.ts";
import type { LogEnd } from "./fit.ts";
import { forkByOthers } from "./fork.ts";
import { healingFork, healingStep } from "./healing.ts";
import { HealingCalls, type HealingPorts } from "./healing_calls.ts";
import type {
  HealingFacts,
  HealingSnapshot,
  HealingStep,
  HealingWork,
  OwnState,
} from "./healing_facts.ts";
import { HealingReport, type ReportPorts } from "./healing_report.ts";
import { companions } from "./healing_rivals.ts";
import {
  type HealingLook,
  HealingSight,
  type SightPorts,
} from "./healing_sight.ts";
import { performHealing } from "./healing_steps.ts";
import { HealingTroubles } from "./healing_troubles.ts";
import { StoredRecovery } from "./stored_recovery.ts";

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

/** What a healer needs of its service. */
export interface HealerPorts extends HealingPorts, SightPorts, ReportPorts {
  now(): number;
  /** Goes on from a snapshot of the store, verified, at any cost of time. */
  restore(snapshot: HealingSnapshot, signal: AbortSignal): Promise<void>;
}

/** Makes the log whole that has lost entries. */
export class Healer {
  readonly #stopping = new AbortController();
  readonly #calls: HealingCalls;
  readonly #sight: HealingSight;
  readonly #troubles = new HealingTroubles();
  readonly #recovery: StoredRecovery;
  readonly #report: HealingReport;
  #isOrdered = false;
  #isConnected = false;
  #considerAt_ms = -Infinity;
  #turn: Promise<void> | undefined;
  #done = 0;

  constructor(
    private readonly options: HealerOptions,
    private readonly ports: HealerPorts,
  ) {
    this.#calls = new HealingCalls(ports, this.#stopping.signal);
    this.#sight = new HealingSight(this.#calls, ports);
    this.#report = new HealingReport(ports, this.#troubles);
    this.#recovery = new StoredRecovery({
      own: () => ports.situation().own,
      list: () => this.#sight.list(),
      restore: (snapshot) => this.#do({ type: "restore", snapshot }),
      now: () => ports.now(),
    });
    this.#tellAbility(true);
  }

  /** How many healings this replica has finished since its start. */
  get done(): number {
    return this.#done;
  }

  /** How many healings its log has gone through since its start. */
  get seen(): number {
    return this.#report.seen;
  }

  /** How many entries that this replica has applied the log does not have now. */
  get lost(): number {
    const { loss } = this.#sight;
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
    this.#sight.statusChanged(status);
    this.#isConnected = status.state === "connected";
    if (!this.#isConnected) return;
    this.#isOrdered = false;
    this.#report.settled();
  }

  /** Does what is to be done. Call it a few times a second. */
  tick(now_ms: number): void {
    this.#calls.tick(now_ms);
    if (this.#stopping.signal.aborted || now_ms < this.#considerAt_ms) return;
    this.#considerAt_ms = now_ms + CONSIDER_MS;
    const situation = this.ports.situation();
    const { own } = situation;
    if (own === undefined) return;
    this.#report.heals(own);
    if (own.isForked) return;
    // While it is connected, the log's own entries have shown that it is not.
    const fork = this.#isConnected
      ? undefined
      : forkByOthers(own, companions({ own, others: situation.others }));
    if (fork !== undefined) return this.#report.fork(fork);
    this.#troubles.retry(now_ms);
    this.#tellAbility(
      situation.isPresenceOn && this.#troubles.problem === undefined,
    );
    if (this.#sight.loss === undefined || this.#turn !== undefined) return;
    this.#turn = this.#work(own).finally(() => this.#turn = undefined);
  }

  #tellAbility(isAble: boolean): void {
    this.#report.able(
      isAble && (this.options.healAfter_ms > 0 || this.#isOrdered),
    );
  }

  /** Whether there may be something to do, as far as is known. */
  #isWorthALook(own: OwnState): boolean {
    const now_ms = this.ports.now();
    const { loss } = this.#sight;
    if (loss === undefined) return false;
    const look = this.#sight.last ?? { at_ms: -Infinity, loss, snapshots: [] };
    const step = this.#decide(own, look);
    if (step.type === "none") {
      this.#tell(step);
      if (step.why === "off") return false;
    }
    if (this.#troubles.isWaiting(now_ms)) return false;
    return step.type !== "none" || now_ms - look.at_ms >= LOOK_MS ||
      this.#isHealed(own, look.at_ms);
  }

  /** Whether a replica was heard since the last look that has applied the mark. */
  #isHealed({ heals }: OwnState, lookedAt_ms: number): boolean {
    const sinceLook_ms = this.ports.now() - lookedAt_ms;
    return this.ports.situation().others.some((other) =>
      (other.heals ?? 0) > heals.count && other.heardAgo_ms < sinceLook_ms
    );
  }

  /** Does steps until none is to be done, or so many that others want a turn. */
  async #work(before: OwnState): Promise<void> {
    let what = "looking";
    try {
      if (!this.#isWorthALook(before)) return;
      for (let steps = 0; steps < STEPS_MAX; steps++) {
        what = "looking";
        const look = await this.#sight.look();
        const { own } = this.ports.situation();
        if (look === undefined || own === undefined || own.isForked) return;
        if (this.#sight.isCertain) this.#report.loss(look.loss, own);
        const fork = healingFork(this.#facts(own, look));
        if (fork !== undefined) return this.#report.fork(fork);
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
      if (error instanceof LogMovedError) this.#sight.forget();
      else this.#troubles.failed(what, error as Error, this.ports.now());
    }
  }

  /**
   * Goes on from a stored snapshot that has what the log has lost, if nobody who
   * lives has as much.
   *
   * @param end The log's end, before this replica proposes to it.
   * @returns Whether nothing is to be proposed yet.
   */
  async recover(end: Pick<LogEnd, "sequence" | "time">): Promise<boolean> {
    if (this.options.healAfter_ms === 0) return false;
    if (this.#turn !== undefined) return true;
    const recovering = this.#recovery.run(end);
    this.#turn = recovering.then(() => {}).finally(() =>
      this.#turn = undefined
    );
    return await recovering;
  }

  #facts(own: OwnState, look: HealingLook): HealingFacts {
    return {
      ...this.#sight.facts(own, look),
      healAfter_ms: this.options.healAfter_ms,
      isOrdered: this.#isOrdered,
      problem: this.#troubles.problem,
    };
  }

  #decide(own: OwnState, look: HealingLook): HealingStep {
    return healingStep(this.#facts(own, look));
  }

  async #do(step: HealingWork): Promise<void> {
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
        this.#sight.unread(step.snapshot, error);
      }
      throw error;
    }
    if (step.type === "mark") this.#done++;
  }

  /** What was looked at may be out of sight by now. */
  #tell(step: HealingStep): void {
    const { loss, isCertain } = this.#sight;
    if (loss !== undefined) this.#report.step(step, loss, isCertain);
  }

  /** Ends the step under way, and begins none. */
  async stop(): Promise<void> {
    this.#stopping.abort(
      new UnavailableError("The log is not healed: the service is stopping"),
    );
    await this.#turn;
  }
}
