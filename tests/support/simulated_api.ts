/**
 * One replica's questions to a simulated broker: they take a while, get lost,
 * may be forbidden, and whoever asks may die at any of them.
 *
 * @module
 */
import {
  ApiError,
  type Asking,
  ForbiddenError,
  NO_MESSAGE_FOUND,
  REQUEST_TIMEOUT_MS,
  type RequestOptions,
  STREAM_NOT_FOUND,
} from "../../src/log/jetstream/api.ts";
import { isSnapshotSubject } from "../../src/log/jetstream/object_names.ts";
import type { Random } from "./random.ts";
import type { SimulatedBroker, SimulatedStream } from "./simulated_broker.ts";
import type { SimulatedObjects } from "./simulated_objects.ts";
import type { SimulatedProcess } from "./simulated_process.ts";
import type { Weather, Wire } from "./simulated_replica.ts";

const API = "$JS.API.";

/** What a question comes to. */
export interface ApiWorld {
  readonly broker: SimulatedBroker;
  readonly objects: SimulatedObjects;
  readonly random: Random;
  readonly weather: Weather;
  /** Whether a replica may not publish to a subject. */
  isForbidden(replica: string, subject: string): boolean;
  /** The log is about to be cut at the request of a replica. */
  trimming(sequence: number): void;
  /** Something may have changed at the request of a replica. */
  changed(): void;
}

/** Asks over the connection that there is. */
export class SimulatedApi implements Asking {
  /** At which of the questions to come its process dies; 0 for none. */
  diesAt = 0;

  /**
   * @param name The replica's name.
   * @param wire Its connection.
   * @param die Ends its process.
   */
  constructor(
    private readonly name: string,
    private readonly world: ApiWorld,
    private readonly process: SimulatedProcess,
    private readonly wire: () => Wire | undefined,
    private readonly die: () => void,
  ) {}

  ask(
    subject: string,
    body?: unknown,
    options: RequestOptions = {},
  ): Promise<Record<string, unknown>> {
    const data = body === undefined ? "{}" : JSON.stringify(body);
    return this.request(`${API}${subject}`, data, options);
  }

  request(
    subject: string,
    data: Uint8Array | string,
    options: RequestOptions = {},
  ): Promise<Record<string, unknown>> {
    const { timeout_ms = REQUEST_TIMEOUT_MS } = options;
    const wire = this.wire();
    if (wire === undefined) {
      return Promise.reject(new Error("the connection is closed"));
    }
    const { promise, resolve, reject } = Promise.withResolvers<
      Record<string, unknown>
    >();
    const end = (give: () => void) => {
      // A second end, whoever is late, is none.
      if (wire.closing.delete(lost)) give();
    };
    const fail = (reason: string) => end(() => reject(new ApiError(0, reason)));
    const lost = () => fail("the connection to NATS is lost");
    wire.closing.add(lost);
    this.process.after(
      timeout_ms,
      () => fail(`NATS does not answer to ${subject} in time`),
    );
    const answer = (give: () => void) =>
      this.process.after(this.#delay_ms, () => {
        if (wire.isOpen) end(give);
      });
    // What goes over one connection keeps its order.
    const { now } = this.process;
    wire.sent = Math.max(wire.sent, now + this.#delay_ms);
    this.process.world.after(wire.sent - now, () => {
      if (!this.#arrives(wire)) return;
      const isLast = this.diesAt > 0 && --this.diesAt === 0;
      if (isLast && this.world.random.below(2) === 0) return this.die();
      try {
        const value = this.#answer(subject, data, options);
        answer(() => resolve(value as Record<string, unknown>));
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        answer(() => reject(error));
      }
      if (isLast) this.die();
    });
    return promise;
  }

  get #delay_ms(): number {
    const { random, weather } = this.world;
    return random.below(weather.delay_ms + 1);
  }

  #arrives(wire: Wire): boolean {
    const { broker, random, weather } = this.world;
    return broker.isUp && broker.isAnswering &&
      random.below(100) >= weather.drop &&
      // What was sent before the connection was lost may arrive or not.
      (wire.isOpen || random.below(2) === 0);
  }

  #answer(
    subject: string,
    data: Uint8Array | string,
    { headers }: RequestOptions,
  ): unknown {
    const { world, name, process: { now } } = this;
    if (
      isSnapshotSubject(subject, "USERGRADE") &&
      world.isForbidden(name, subject)
    ) throw new ForbiddenError(subject);
    try {
      if (!subject.startsWith(API)) {
        return world.objects.publish(subject, data, headers, now);
      }
      const question = subject.slice(API.length);
      return question.endsWith(".USERGRADE")
        ? this.#ofTheLog(question, JSON.parse(data as string))
        : world.objects.answer(question, data as string, now);
    } finally {
      world.changed();
    }
  }

  #ofTheLog(
    question: string,
    { seq }: { seq?: number },
  ): unknown {
    const { world, world: { broker } } = this;
    const stream = broker.behind ?? broker.stream;
    if (stream === undefined) {
      throw new ApiError(STREAM_NOT_FOUND, "stream not found");
    }
    switch (question) {
      case "STREAM.INFO.USERGRADE":
        return infoOf(stream);
      case "STREAM.MSG.GET.USERGRADE": {
        const message = stream.message(seq!);
        if (message !== undefined) return { message };
        throw new ApiError(NO_MESSAGE_FOUND, "no message found");
      }
      case "STREAM.PURGE.USERGRADE":
        world.trimming(seq!);
        // The server that leads does it, whoever answers otherwise. Old ones
        // take 1 for everything.
        broker.stream!.purge(seq! <= 1 ? broker.stream!.last + 1 : seq!);
        return { success: true };
      default:
        throw new Error(`${question} is not simulated`);
    }
  }
}

function infoOf({ created, config, first, last, bytes }: SimulatedStream) {
  return {
    created,
    config,
    state: { first_seq: first, last_seq: last, bytes },
  };
}
