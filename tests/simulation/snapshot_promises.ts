/**
 * What must be true of a log and its snapshots at any time.
 *
 * @module
 */
import type { SimulatedBroker } from "../support/simulated_broker.ts";
import type {
  SeenSnapshot,
  SimulatedObjects,
} from "../support/simulated_objects.ts";
import type { SimulatedTime } from "../support/simulated_time.ts";

/** Watches all that replicas do to one log and one bucket. */
export class SnapshotPromises {
  /** Where replicas have cut the log. */
  #cutAt = 1;
  /** The version of the bucket that was looked at last. */
  #seen = 0;
  /** What was not true: no replica may hide it. */
  #violation: Error | undefined;

  constructor(
    private readonly broker: SimulatedBroker,
    private readonly objects: SimulatedObjects,
    private readonly time: SimulatedTime,
  ) {}

  /** This log's snapshots, as its history is now, newest first. */
  get snapshots(): SeenSnapshot[] {
    const history = this.broker.stream?.history ?? [];
    return this.objects.snapshots()
      .filter(({ meta: { info: { sequence, time } } }) =>
        history[sequence - 1] === `${sequence}@${time}`
      )
      .sort((a, b) => b.meta.info.sequence - a.meta.info.sequence);
  }

  /** Those of them that were read back whole. */
  get verified(): SeenSnapshot[] {
    return this.snapshots.filter(({ meta }) => meta.isVerified);
  }

  /** Whether the log can be applied by a replica that has nothing. */
  get isRestorable(): boolean {
    const first = this.broker.stream?.first ?? 1;
    return first === 1 ||
      this.snapshots.some(({ meta, isWhole }) =>
        isWhole && meta.info.sequence + 1 >= first
      );
  }

  /** The log lost entries, and what is kept of it is not what was made. */
  forget(): void {
    this.#cutAt = 1;
  }

  /** The log is cut no further than the older of two that were read back. */
  trimming(sequence: number): void {
    const older = this.verified.at(1)?.meta.info.sequence ?? 0;
    this.mustHold(
      sequence > 1 && sequence <= older,
      () => `the log is cut at ${sequence}`,
    );
    this.#cutAt = Math.max(this.#cutAt, sequence);
  }

  /** What the log lost to a cut, two snapshots have, one of them undamaged. */
  changed(): void {
    if (this.objects.version === this.#seen) return;
    this.#seen = this.objects.version;
    if (this.#cutAt === 1) return;
    const reaching = this.verified.filter(({ meta }) =>
      meta.info.sequence >= this.#cutAt
    );
    this.mustHold(
      reaching.some(({ isWhole }) => isWhole),
      () => "nothing can be restored",
    );
    this.mustHold(reaching.length >= 2, () => "two are not kept");
  }

  /** Remembers the first thing that does not hold. */
  mustHold(holds: boolean, what: () => string): void {
    if (holds) return;
    this.#violation ??= new Error(
      `${what()} at ${this.time.now}: the log begins at ${this.broker.stream?.first}, cut at ${this.#cutAt}, snapshots ${this.told}`,
    );
  }

  /** Each snapshot's sequence, whether it was read back, and whether it is whole. */
  get told(): string {
    return JSON.stringify(
      this.snapshots.map(({ meta, isWhole }) => [
        meta.info.sequence,
        meta.isVerified,
        isWhole,
      ]),
    );
  }

  /** @throws {Error} If anything did not hold. */
  check(): void {
    if (this.#violation !== undefined) throw this.#violation;
  }
}
