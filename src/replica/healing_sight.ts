/**
 * What a healer sees: what the log has lost, and which of its snapshots are
 * stored.
 *
 * @module
 */
import type { LogLoss } from "../log/healable_log.ts";
import type { LogStatus } from "../log/log.ts";
import { SnapshotDamagedError } from "../snapshot/snapshot.ts";
import type { HealingCalls } from "./healing_calls.ts";
import type {
  HealingFacts,
  HealingSnapshot,
  OwnState,
} from "./healing_facts.ts";
import { LossWatch } from "./healing_loss.ts";
import { SnapshotReads } from "./snapshot_reads.ts";

/** A log and a store at one moment. */
export interface HealingLook {
  readonly at_ms: number;
  readonly loss: LogLoss;
  readonly snapshots: readonly HealingSnapshot[];
}

/** The replica and its cluster now. */
export interface HealerSituation
  extends Pick<HealingFacts, "others" | "awaited" | "isPresenceOn"> {
  /** Undefined before the log is open. */
  readonly own: OwnState | undefined;
}

/** What a healer needs to see. */
export interface SightPorts {
  situation(): HealerSituation;
  /** The time in milliseconds. */
  now(): number;
}

/** Looks at a log and its store, and remembers what was seen. */
export class HealingSight {
  readonly #losses = new LossWatch();
  readonly #reads = new SnapshotReads();
  #last: HealingLook | undefined;

  /**
   * @param calls Reach the log and the store.
   * @param ports The replica, and the time.
   */
  constructor(
    private readonly calls: HealingCalls,
    private readonly ports: SightPorts,
  ) {}

  /** What is lost, as was seen last; undefined if nothing is. */
  get loss(): LogLoss | undefined {
    return this.#losses.loss;
  }

  /** Whether that can be told as a loss. */
  get isCertain(): boolean {
    return this.#losses.isCertain(this.ports.now());
  }

  /** The last look; undefined if it does not count any more. */
  get last(): HealingLook | undefined {
    return this.#last;
  }

  /** The log's status has changed. */
  statusChanged(status: LogStatus): void {
    this.#losses.statusChanged(status, this.ports.now());
    // What was decided from another loss may be wrong now.
    if (status.loss?.type !== this.#last?.loss.type) this.forget();
  }

  /** What was seen does not count any more. */
  forget(): void {
    this.#last = undefined;
  }

  /**
   * Looks at the log first: what is stored for it never goes back.
   *
   * @returns Undefined if nothing is lost, which the log's status says too.
   */
  async look(): Promise<HealingLook | undefined> {
    const loss = await this.calls.look();
    if (loss === undefined) {
      this.forget();
      return undefined;
    }
    const snapshots = await this.list();
    const at_ms = this.ports.now();
    this.#losses.looked(loss, at_ms);
    this.#last = { at_ms, loss, snapshots };
    return this.#last;
  }

  /** @returns This log's snapshots, newest first. */
  async list(): Promise<HealingSnapshot[]> {
    const { own } = this.ports.situation();
    const listed = await this.calls.list();
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
   * A snapshot could not be read. Only damage counts: whatever else keeps it from
   * being read may pass, and nobody else may have the sets that are in it.
   */
  unread({ id }: HealingSnapshot, error: unknown): void {
    if (error instanceof SnapshotDamagedError) this.#reads.doubt(id);
  }

  /** @returns What the next step depends on, as far as it is seen. */
  facts(
    own: OwnState,
    { loss, snapshots }: HealingLook,
  ): Omit<HealingFacts, "healAfter_ms" | "isOrdered" | "problem"> {
    return {
      ...this.ports.situation(),
      own,
      now_ms: this.ports.now(),
      loss,
      snapshots,
      lossSince_ms: this.#losses.since_ms,
      fenceSince_ms: this.#losses.fenceSince_ms,
    };
  }
}
