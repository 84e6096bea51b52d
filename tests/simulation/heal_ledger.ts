/**
 * The sets that were acknowledged: who still has each of them, and which may be
 * missing from the log in the end.
 *
 * @module
 */
import type { SimulatedBroker } from "../support/simulated_broker.ts";
import type { SimulatedObjects } from "../support/simulated_objects.ts";
import type { SimulatedService } from "../support/simulated_service.ts";

/** @returns The sequence in the key of an entry. */
function sequenceOf(key: string): number {
  return Number(key.slice(0, key.indexOf("@")));
}

/** Remembers the entries of acknowledged sets by their keys. */
export class HealLedger {
  readonly #acknowledged = new Set<string>();
  /** Those that at some moment nobody had any more. */
  readonly #lost = new Set<string>();
  /**
   * Entries that the log never will have: it was written on, or healed, while
   * nobody could know of the replicas that have them.
   */
  readonly abandoned = new Set<string>();
  /** Those of a history that an operator has chosen another one over. */
  readonly #givenUp = new Set<string>();

  constructor(
    private readonly broker: SimulatedBroker,
    private readonly objects: SimulatedObjects,
    private readonly services: readonly SimulatedService[],
  ) {}

  /**
   * A set was acknowledged, whose entry has a key. Who was stopped while another
   * log was made acknowledges late what came in the old one.
   */
  acknowledge(key: string): void {
    this.#acknowledged.add(key);
    if (this.isAbandoned(this.broker.keysUpTo(key))) this.abandoned.add(key);
  }

  /** An operator has given up entries for the sake of another history. */
  giveUp(keys: readonly string[]): void {
    for (const key of keys) {
      this.#givenUp.add(key);
      this.abandoned.add(key);
    }
  }

  /** Whether an operator has given up an entry. */
  isChosenAgainst(key: string): boolean {
    return this.#givenUp.has(key);
  }

  /** Whether nobody is to blame if the log does not have an entry. */
  isGivenUp(key: string): boolean {
    return this.#lost.has(key) || this.abandoned.has(key);
  }

  /** Whether a history has what the log never will have. */
  isAbandoned(history: readonly string[]): boolean {
    return history.some((key) => this.abandoned.has(key));
  }

  /** Something ended or was lost: what nobody has any more may be missing. */
  settle(): void {
    const histories = this.#histories();
    for (const key of this.#acknowledged) {
      const at = sequenceOf(key) - 1;
      if (histories.every((keys) => keys[at] !== key)) this.#lost.add(key);
    }
  }

  /**
   * Whether an entry of the log's history was taken from the log, and is in no
   * replica's state and in no snapshot that is whole: nobody can bring it back.
   */
  isNowhere(key: string): boolean {
    const { stream } = this.broker;
    const sequence = sequenceOf(key);
    return stream !== undefined && sequence < stream.first &&
      this.#states().every((keys) => keys[sequence - 1] !== key);
  }

  /** Those of replicas, of the log, and of snapshots that are whole. */
  #histories(): (readonly string[])[] {
    const states = this.#states();
    const { stream } = this.broker;
    if (stream === undefined) return states;
    const before = stream.first - 2;
    // What stands before a log's first entry has to come from elsewhere.
    const isWhole = before < 0 ||
      states.some((keys) => keys[before] === stream.history[before]);
    return isWhole ? [...states, stream.history] : states;
  }

  /** Those of replicas, and of snapshots that are whole. */
  #states(): (readonly string[])[] {
    const { broker, services, objects } = this;
    return [
      ...services.map(({ replica: { applied } }) => applied),
      ...objects.snapshots()
        .filter(({ isWhole }) => isWhole)
        .map(({ meta: { info: { sequence, time } } }) =>
          broker.keysUpTo(`${sequence}@${time}`)
        ),
    ];
  }

  /** Acknowledged sets that are missing from a history although someone had them. */
  missingFrom(history: readonly string[]): string[] {
    return [...this.#acknowledged].filter((key) =>
      history[sequenceOf(key) - 1] !== key && !this.isGivenUp(key)
    );
  }

  /** How many acknowledged sets there are, and how many nobody had any more. */
  get counts(): { readonly acknowledged: number; readonly lost: number } {
    return { acknowledged: this.#acknowledged.size, lost: this.#lost.size };
  }
}
