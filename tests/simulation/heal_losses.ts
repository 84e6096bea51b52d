/**
 * What a broker may lose: the end of its log, its disk, the snapshots beside
 * it, or all that was written since a copy was made.
 *
 * @module
 */
import {
  type BucketCopy,
  NO_BUCKET,
  type SimulatedObjects,
} from "../support/simulated_objects.ts";
import type { Random } from "../support/random.ts";
import type { SimulatedBroker } from "../support/simulated_broker.ts";

/** The most entries that are lost with a tail, and steps of a healing. */
const TAIL_MAX = 8;

/** The broker's disk, and copies of it. */
export class HealLosses {
  readonly #bucketCopies: BucketCopy[] = [NO_BUCKET];

  constructor(
    private readonly broker: SimulatedBroker,
    private readonly objects: SimulatedObjects,
    private readonly random: Random,
  ) {}

  /** Someone copies the bucket. */
  copyBucket(): void {
    this.#bucketCopies.push(this.objects.copy());
  }

  /** What may be lost while the broker is down, by its name. */
  get all(): Readonly<Record<string, () => void>> {
    return {
      "the tail is lost": () => this.#loseTail(),
      "an older copy is put back": () => this.#putBackOlder(),
      "the stream is gone": () => this.broker.stream = undefined,
      "the disk is gone": () => {
        this.broker.stream = undefined;
        this.objects.putBack(NO_BUCKET);
      },
      "the tail and the bucket are lost": () => {
        this.#loseTail();
        this.objects.putBack(NO_BUCKET);
      },
      "older copies of both are put back": () => {
        this.#putBackOlder();
        this.objects.putBack(this.random.pick(this.#bucketCopies));
      },
      "an older bucket is put back": () =>
        this.objects.putBack(this.random.pick(this.#bucketCopies)),
    };
  }

  /** The last few changes were not on the disk yet. */
  #loseTail(): void {
    const { broker, random } = this;
    const { stream } = broker;
    if (stream === undefined) return;
    const lost = 1 + random.below(Math.min(TAIL_MAX, stream.changes));
    broker.stream = stream.asOf(stream.changes - lost);
  }

  #putBackOlder(): void {
    const { broker, random } = this;
    const { stream } = broker;
    if (stream === undefined) return;
    broker.stream = stream.asOf(random.below(stream.changes + 1));
  }
}
