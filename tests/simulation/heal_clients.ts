/**
 * Clients: each sets one user, and gets it from any replica as it was after
 * its last set.
 *
 * @module
 */
import type { Random } from "../support/random.ts";
import type { SimulatedService } from "../support/simulated_service.ts";
import type { HealPromises } from "./heal_promises.ts";
import { KINDS, type SentSet, SentSets } from "./sent_sets.ts";

/** The last set of a user that was acknowledged. */
interface Acknowledged {
  readonly key: string;
  readonly sequence: number;
}

/** All clients of one run. */
export class HealClients {
  readonly sets = new SentSets();
  readonly #last = new Map<string, Acknowledged>();
  /** How many gets were answered. */
  gets = 0;

  constructor(
    private readonly random: Random,
    private readonly promises: HealPromises,
  ) {}

  #anyUser(): string {
    return `u${this.random.below(4)}`;
  }

  /** Someone sets or deletes a user: later sets have higher sequences, unless one is lost. */
  set(service: SimulatedService): SentSet {
    const user = this.#anyUser();
    const { replica } = service;
    const { ledger } = this.promises;
    const before = this.#last.get(user);
    const kind = this.random.pick(KINDS);
    return this.sets.send(user, replica.replica, kind, (sequence) => {
      const key = replica.applied[sequence - 1];
      ledger.acknowledge(key);
      this.promises.mustHold(
        before === undefined || before.sequence < sequence ||
          ledger.isGivenUp(before.key),
        () => `${user} is set at ${sequence} after ${before!.sequence}`,
      );
      this.#last.set(user, { key, sequence });
    });
  }

  /** Someone gets a user as it was after the last set that was acknowledged. */
  get(service: SimulatedService): void {
    const user = this.#anyUser();
    const last = this.#last.get(user);
    if (last === undefined) return;
    const { key, sequence } = last;
    const { name, replica } = service;
    replica.replica.waitFor(sequence).then(() => {
      replica.replica.getJson(user);
      this.gets++;
      const { ledger } = this.promises;
      this.promises.mustHold(
        replica.applied[sequence - 1] === key || ledger.isGivenUp(key) ||
          // It may not know yet that others have written past what it has.
          !replica.replica.isForked && ledger.isAbandoned(replica.applied),
        () => `${name} answers for ${sequence} without the set`,
      );
    }).catch(() => {
      // It is not ready, or has not applied it in time.
    });
  }
}
