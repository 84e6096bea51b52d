/**
 * Faults of services, of their broker and of what is between them, that are over
 * after a while.
 *
 * @module
 */
import type { SimulatedService } from "../support/simulated_service.ts";
import type { SimulatedStream } from "../support/simulated_stream.ts";
import type { ServiceStorm } from "./service_storm.ts";

/** Each says that it was tried. */
export class ServiceFaults {
  constructor(private readonly storm: ServiceStorm) {}

  /** Something is so for a while, unless the storm is over before. */
  during(ms: number, begin: () => void, end: () => void): true {
    begin();
    this.storm.time.after(ms, () => this.storm.isOver || end());
    return true;
  }

  /** Replicas die at one of their next questions, most of which are a snapshot's. */
  dieAtSteps(steps: number): true {
    const { random, services } = this.storm;
    for (const { api } of services) {
      if (random.below(2) === 0) api.diesAt = 1 + random.below(steps);
    }
    return true;
  }

  /** A process is stopped; what comes for it is kept for it, or not. */
  stop({ process, replica }: SimulatedService, ms: number): void {
    process.pause(ms);
    if (this.storm.random.below(2) === 0) replica.disconnect();
  }

  /** The broker answers nothing. */
  noAnswers(ms: number): true {
    const { broker } = this.storm;
    return this.during(
      ms,
      () => broker.isAnswering = false,
      () => broker.isAnswering = true,
    );
  }

  /** Some hear no one, and are heard by no one. */
  deafen(ms: number, names: readonly string[]): true {
    const { deaf } = this.storm;
    return this.during(
      ms,
      () => names.forEach((name) => deaf.add(name)),
      () => names.forEach((name) => deaf.delete(name)),
    );
  }

  /** A replica, or each of them, may not publish where a part is in the subject. */
  forbid(ms: number, who: string | undefined, part: string): true {
    const { storm } = this;
    return this.during(
      ms,
      () =>
        storm.forbidden = (replica, subject) =>
          replica === (who ?? replica) && subject.includes(part),
      () => storm.forbidden = () => false,
    );
  }

  /** The bucket takes nothing. */
  fillBucket(ms: number): true {
    const { objects } = this.storm;
    return this.during(
      ms,
      () => objects.isFull = true,
      () => objects.isFull = false,
    );
  }

  /** A server that is behind answers. */
  fallBehind(ms: number, behind: SimulatedStream): true {
    const { broker } = this.storm;
    return this.during(
      ms,
      () => broker.behind = behind,
      () => broker.behind = undefined,
    );
  }
}
