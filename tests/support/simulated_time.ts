/**
 * Time that passes only when a test lets it, and events in it.
 *
 * @module
 */

/** Time, and what is to happen in it. */
export interface Clock {
  /** The time in milliseconds. */
  readonly now: number;
  /** The time of what is on its way between processes. */
  readonly world: Clock;
  /** Runs something after some milliseconds. */
  after(ms: number, run: () => void): void;
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A queue of events, run one after the other in the order of their times. */
export class SimulatedTime implements Clock {
  /** The time in milliseconds. */
  now = 0;
  readonly world = this;
  #order = 0;
  /** A binary heap, the earliest event first. */
  readonly #events: Event[] = [];

  /** Runs `run` after some milliseconds; events of one time keep their order. */
  after(ms: number, run: () => void): void {
    const events = this.#events;
    let at = events.push({ at: this.now + ms, order: this.#order++, run }) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(events[at], events[parent])) break;
      [events[at], events[parent]] = [events[parent], events[at]];
      at = parent;
    }
  }

  /** Runs all events up to a time, and lets promises settle after each. */
  async runUntil(end: number): Promise<void> {
    while (this.#events.length > 0 && this.#events[0].at <= end) {
      const event = this.#pop();
      this.now = event.at;
      event.run();
      for (let i = 0; i < 4; i++) await Promise.resolve();
    }
    this.now = end;
  }

  #pop(): Event {
    const events = this.#events;
    const first = events[0];
    const last = events.pop()!;
    if (events.length === 0) return first;
    events[0] = last;
    for (let at = 0;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < events.length && isBefore(events[child], events[least])) {
          least = child;
        }
      }
      if (least === at) return first;
      [events[at], events[least]] = [events[least], events[at]];
      at = least;
    }
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
