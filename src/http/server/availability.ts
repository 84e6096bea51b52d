/**
 * What the operator decided about requests, independent of what the replica can
 * do.
 *
 * @module
 */
import { UnavailableError } from "../../errors.ts";
import type { Handler } from "./router.ts";

const READ_ONLY = "the service is read-only (READ_ONLY=yes)";

/** Whether the listeners should get requests, and whether they may write. */
export class Availability {
  #leaving: string | undefined;

  /** @param isReadOnly Whether sets, deletions and imports are refused. */
  constructor(private readonly isReadOnly: boolean) {}

  /**
   * The service stops soon: proxies should send no more requests. Those that
   * come are served as before.
   *
   * @param reason Why, for the probes.
   */
  leave(reason: string): void {
    this.#leaving = reason;
  }

  /** Why the get listener should get no requests; undefined if it should. */
  get getRefusal(): string | undefined {
    return this.#leaving;
  }

  /** Why the set listener should get no requests; undefined if it should. */
  get setRefusal(): string | undefined {
    return this.#leaving ?? this.writeRefusal;
  }

  /** Why sets, deletions and imports are refused; undefined if they aren't. */
  get writeRefusal(): string | undefined {
    return this.isReadOnly ? READ_ONLY : undefined;
  }

  /**
   * @param handler Changes what is stored.
   * @returns The same, or one that answers 503 to everything.
   */
  writing(handler: Handler): Handler {
    if (!this.isReadOnly) return handler;
    return () => {
      throw new UnavailableError(`Nothing was changed: ${READ_ONLY}`);
    };
  }
}
