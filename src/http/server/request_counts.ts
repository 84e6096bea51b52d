/**
 * How many requests each route has answered, and with what.
 *
 * @module
 */

/** The answers of one route. */
export class RouteCounts {
  /** Nearly all answers are 200, and a field costs less than a look-up. */
  #ok = 0;
  readonly #others = new Map<number, number>();

  /** Counts an answer. */
  add(status: number): void {
    if (status === 200) this.#ok++;
    else this.#others.set(status, (this.#others.get(status) ?? 0) + 1);
  }

  /** The number of answers by status, without the statuses that none had. */
  entries(): [status: number, count: number][] {
    return [
      ...(this.#ok > 0 ? [[200, this.#ok] as [number, number]] : []),
      ...this.#others,
    ];
  }

  /** How many answers there were. */
  get answers(): number {
    return this.entries().reduce((sum, [, count]) => sum + count, 0);
  }

  /** How many answers were 200. */
  get ok(): number {
    return this.#ok;
  }
}

/** The name of all unmatched paths. */
export const OTHER_ROUTE = "other";

/** The answers of one listener. The number of its routes bounds it. */
export class RequestCounts {
  readonly #routes = new Map<string, RouteCounts>();

  /** The counts of a route, made when it is first asked for. */
  route(name: string): RouteCounts {
    let counts = this.#routes.get(name);
    if (counts === undefined) {
      counts = new RouteCounts();
      this.#routes.set(name, counts);
    }
    return counts;
  }

  /** Every route with its counts. */
  routes(): Iterable<[name: string, counts: RouteCounts]> {
    return this.#routes;
  }
}
