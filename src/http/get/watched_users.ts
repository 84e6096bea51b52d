/**
 * Who watches which users.
 *
 * @module
 */
import type { RecentChanges } from "../ports/watch.ts";
import type { Watcher } from "./watcher.ts";

/** The watchers of single users. */
export class WatchedUsers {
  readonly #watchers = new Map<string, Set<Watcher>>();
  #named = 0;

  /** How many users all watchers name, each counted for each of them. */
  get named(): number {
    return this.#named;
  }

  /** Adds a watcher; one of all users is not kept. */
  add(watcher: Watcher): void {
    for (const id of watcher.userIds ?? []) {
      const watchers = this.#watchers.get(id);
      if (watchers === undefined) this.#watchers.set(id, new Set([watcher]));
      else watchers.add(watcher);
      this.#named++;
    }
  }

  /** Removes a watcher; harmless if it is not here. */
  remove(watcher: Watcher): void {
    for (const id of watcher.userIds ?? []) {
      const watchers = this.#watchers.get(id);
      if (watchers?.delete(watcher) !== true) continue;
      this.#named--;
      if (watchers.size === 0) this.#watchers.delete(id);
    }
  }

  /** Tells each watcher of the changes of its users in `[from, end)`. */
  note(changes: RecentChanges, from: number, end: number): void {
    if (this.#watchers.size === 0) return;
    // Those before the oldest one kept are forgotten.
    for (let change = Math.max(from, changes.start); change < end; change++) {
      const watchers = this.#watchers.get(changes.userIdOf(change));
      for (const watcher of watchers ?? []) watcher.note(change);
    }
  }
}
