/**
 * The state after each entry, made from the entries alone.
 *
 * @module
 */
import type { HealPoint } from "../../src/log/healable_log.ts";
import { Storage } from "../../src/storage/storage.ts";
import type { SimulatedBroker } from "./simulated_broker.ts";
import { applyEntry, healPointOf } from "./simulated_stream.ts";

/** What tells one state from another. */
export interface State {
  readonly users: number;
  readonly digest: string;
}

/** Knows the state after every entry that was ever stored. */
export class SimulatedStates {
  readonly #states = new Map<string, State>();
  #storage = new Storage();
  /** The entry that storage was made up to. */
  #at: string | undefined;
  readonly #empty = stateOf(this.#storage);

  constructor(private readonly broker: SimulatedBroker) {}

  /** @returns The keys of all entries after which the state was a heal point's. */
  keysAt({ sequence, digest }: HealPoint): string[] {
    return [...this.broker.everStored]
      .filter(([key, entry]) =>
        entry.sequence === sequence && !this.#isVoid(key) &&
        this.after(key).digest === digest
      )
      .map(([key]) => key);
  }

  /** Whether an entry is a fence that is pending, or behind one. */
  #isVoid(key: string): boolean {
    return this.broker.keysUpTo(key).some((one) => {
      const entry = this.broker.everStored.get(one);
      const point = entry && healPointOf(entry);
      return point !== undefined && point.sequence >= entry!.sequence;
    });
  }

  /** @param key The key of an entry; undefined for before the first. */
  after(key: string | undefined): State {
    if (key === undefined) return this.#empty;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const keys = this.broker.keysUpTo(key);
    let from = this.#at === undefined ? 0 : keys.lastIndexOf(this.#at) + 1;
    if (this.#at !== undefined && from === 0) {
      // The log lost entries, and went another way from there.
      this.#storage = new Storage();
      from = 0;
    }
    for (const one of keys.slice(from)) {
      const entry = this.broker.everStored.get(one)!;
      applyEntry(this.#storage, entry);
      this.#states.set(one, stateOf(this.#storage));
    }
    this.#at = key;
    return this.#states.get(key)!;
  }
}

function stateOf(storage: Storage): State {
  return { users: storage.size, digest: storage.digest };
}
