/**
 * What storms of whole services have in common: a broker, a bucket, the services
 * that live, and what keeps them from each other.
 *
 * @module
 */
import type { Random } from "../support/random.ts";
import { SimulatedCodec } from "../support/simulated_backup.ts";
import type { SimulatedBroker } from "../support/simulated_broker.ts";
import { SimulatedObjects } from "../support/simulated_objects.ts";
import type { Weather } from "../support/simulated_replica.ts";
import type { SimulatedService } from "../support/simulated_service.ts";
import { SimulatedStates } from "../support/simulated_states.ts";
import { SimulatedTime } from "../support/simulated_time.ts";

/** Some services, and all that goes wrong around them. */
export abstract class ServiceStorm {
  readonly time = new SimulatedTime();
  readonly objects = new SimulatedObjects();
  readonly codec: SimulatedCodec;
  readonly states: SimulatedStates;
  readonly services: SimulatedService[] = [];
  readonly faults: string[] = [];
  abstract readonly weather: Weather;
  /** What replicas may not publish to. */
  forbidden: (replica: string, subject: string) => boolean = () => false;
  /** When a replica was last not allowed to ask the bucket something. */
  readonly #bucketRefused_ms = new Map<string, number>();
  /** Who hears no one, and is heard by no one. */
  readonly deaf = new Set<string>();
  #isOver = false;

  constructor(readonly random: Random, readonly broker: SimulatedBroker) {
    this.codec = new SimulatedCodec(random);
    this.states = new SimulatedStates(broker);
  }

  isForbidden(replica: string, subject: string): boolean {
    const isForbidden = this.forbidden(replica, subject);
    if (isForbidden && subject.includes("OBJ_")) {
      this.#bucketRefused_ms.set(replica, this.time.now);
    }
    return isForbidden;
  }

  /** When a replica was last not allowed to ask the bucket something, if ever. */
  bucketRefusedAt_ms(replica: string): number {
    return this.#bucketRefused_ms.get(replica) ?? -Infinity;
  }

  isHeard(from: SimulatedService, to: SimulatedService): boolean {
    return !this.deaf.has(from.name) && !this.deaf.has(to.name);
  }

  /** Whether the faults are over. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The broker restarts; what it has on its disk may be another then. */
  restart(down_ms: number, loses: () => void = () => {}): true {
    const { broker } = this;
    broker.isUp = false;
    broker.consumers.clear();
    for (const { replica } of this.services) replica.disconnect();
    loses();
    this.time.after(down_ms, () => broker.isUp = true);
    return true;
  }

  /** Nothing goes wrong any more. */
  protected endFaults(): void {
    const { broker } = this;
    Object.assign(this.weather, {
      drop: 0,
      duplicate: 0,
      refuse: 0,
      disconnect: 0,
      full: 0,
      delay_ms: 5,
    });
    this.#isOver = true;
    for (const { api, replica } of this.services) {
      api.diesAt = 0;
      replica.hasStream = true;
    }
    broker.isUp = broker.isAnswering = broker.isStoring = true;
    broker.behind = undefined;
    this.objects.isFull = false;
    this.forbidden = () => false;
    this.deaf.clear();
  }
}
