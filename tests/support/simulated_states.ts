/**
 * The state after each entry, made from the entries alone.
 *
 * @module
 */
import { decodeEntry } from "../../src/log/change.ts";
import { Storage } from "../../src/storage/storage.ts";
import type { SimulatedBroker } from "./simulated_broker.ts";

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
      const { payload } = this.broker.everStored.get(one)!;
      for (const patch of decodeEntry(payload)) this.#storage.set(patch);
      this.#states.set(one, stateOf(this.#storage));
    }
    this.#at = key;
    return this.#states.get(key)!;
  }
}

function stateOf(storage: Storage): State {
  return { users: storage.size, digest: storage.digest };
}
