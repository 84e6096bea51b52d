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
  WRONG_LAST_SEQUENCE,
} from "../../src/log/jetstream/api.ts";
import type { MsgHdrs } from "nats";
import { isSnapshotSubject } from "../../src/log/jetstream/object_names.ts";
import type { StreamConfig } from "../../src/log/jetstream/stream_config.ts";
import type { Random } from "./random.ts";
import type { SimulatedBroker } from "./simulated_broker.ts";
import type { SimulatedObjects } from "./simulated_objects.ts";
import type { SimulatedProcess } from "./simulated_process.ts";
import type { Weather, Wire } from "./simulated_replica.ts";
import {
  FENCE_SUBJECT,
  type SimulatedStream,
  type StoredEntry,
} from "./simulated_stream.ts";

const API = "$JS.API.";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a server refuses most often. */
const NO_MESSAGE = new ApiError(NO_MESSAGE_FOUND, "no message found");
const NO_STREAM = new ApiError(STREAM_NOT_FOUND, "stream not found");

/** JetStream's code for a stream that is there with other settings. */
const STREAM_NAME_IN_USE = 10058;

/** The questions that only healing asks. */
const HEALING_QUESTIONS = [
  FENCE_SUBJECT,
  `${API}STREAM.CREATE.USERGRADE`,
];

/** What a question comes to. */
export interface ApiWorld {
  readonly broker: SimulatedBroker;
  readonly objects: SimulatedObjects;
  readonly random: Random;
  readonly weather: Weather;
  /** Whether a replica may not publish to a subject. */
  isForbidden(replica: string, subject: string): boolean;
  /** The log is about to be cut, or moved, at the request of a replica. */
  trimming(sequence: number): void;
  /** A fence or a mark is about to be taken from a replica. */
  fencing?(replica: string, data: string): void;
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
   * @param reaches Whether anything that it asks gets to the broker.
   */
  constructor(
    private readonly name: string,
    private readonly world: ApiWorld,
    private readonly process: SimulatedProcess,
    private readonly wire: () => Wire | undefined,
    private readonly die: () => void,
    private readonly reaches: () => boolean = () => true,
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
    const { now } = this.process;
    // Where an answer comes, it comes sooner.
    const noAnswer = () =>
      this.process.after(
        now + timeout_ms - this.process.now,
        () => fail(`NATS does not answer to ${subject} in time`),
      );
    const answer = (give: () => void) =>
      this.process.after(this.#delay_ms, () => {
        if (wire.isOpen) end(give);
      });
    // What goes over one connection keeps its order.
    wire.sent = Math.max(wire.sent, now + this.#delay_ms);
    this.process.world.after(wire.sent - now, () => {
      if (!this.#arrives(wire)) return noAnswer();
      const isLast = this.diesAt > 0 && --this.diesAt === 0;
      if (isLast && this.world.random.below(2) === 0) {
        // Whoever is spared waits in vain.
        noAnswer();
        return this.die();
      }
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
    return broker.isUp && broker.isAnswering && this.reaches() &&
      random.below(100) >= weather.drop &&
      // What was sent before the connection was lost may arrive or not.
      (wire.isOpen || wire.epoch === broker.epoch && random.below(2) === 0);
  }

  #answer(
    subject: string,
    data: Uint8Array | string,
    { headers }: RequestOptions,
  ): unknown {
    const { world, name, process: { now } } = this;
    if (
      world.isForbidden(name, subject) &&
      (isSnapshotSubject(subject, "USERGRADE") ||
        HEALING_QUESTIONS.includes(subject))
    ) throw new ForbiddenError(subject);
    try {
      if (subject === FENCE_SUBJECT) return this.#fence(data, headers!);
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

  #fence(data: Uint8Array | string, headers: MsgHdrs): unknown {
    const { world: { broker, fencing }, name, process: { now } } = this;
    const text = typeof data === "string" ? data : decoder.decode(data);
    const after = headers.get("Nats-Expected-Last-Sequence");
    if (after === "" || Number(after) === broker.stream?.last) {
      fencing?.call(this.world, name, text);
    }
    const stored = broker.store({
      messageId: headers.get("Nats-Msg-Id"),
      subject: FENCE_SUBJECT,
      payload: encoder.encode(text),
      after: after === "" ? undefined : Number(after),
    }, now);
    switch (stored?.type) {
      case undefined:
        throw new ApiError(0, "JetStream is not available: no stream takes it");
      case "wrong_last_sequence":
        throw new ApiError(WRONG_LAST_SEQUENCE, "wrong last sequence");
      case "duplicate":
        return { stream: "USERGRADE", duplicate: true };
      case "stored":
        return { stream: "USERGRADE", seq: stored.sequence };
    }
  }

  #make(config: StreamConfig): unknown {
    const { broker } = this.world;
    const { description } = broker.stream?.config ?? config;
    if (description !== config.description) {
      throw new ApiError(
        STREAM_NAME_IN_USE,
        "stream name already in use with a different configuration",
      );
    }
    return infoOf(broker.makeStream(config));
  }

  #ofTheLog(question: string, body: Record<string, unknown>): unknown {
    const { world, world: { broker } } = this;
    if (question === "STREAM.CREATE.USERGRADE") {
      return this.#make(body as unknown as StreamConfig);
    }
    const stream = broker.behind ?? broker.stream;
    if (stream === undefined) throw NO_STREAM;
    switch (question) {
      case "STREAM.INFO.USERGRADE":
        return infoOf(stream);
      case "STREAM.UPDATE.USERGRADE":
        stream.config = body as unknown as StreamConfig;
        return infoOf(stream);
      case "STREAM.MSG.GET.USERGRADE": {
        const message = stream.message(messageOf(stream, body));
        if (message !== undefined) return { message };
        throw NO_MESSAGE;
      }
      case "STREAM.PURGE.USERGRADE": {
        // The server that answers otherwise may be behind.
        if (broker.stream === undefined) throw NO_STREAM;
        const seq = body.seq as number;
        world.trimming(seq);
        // The server that leads does it, whoever answers otherwise. Old ones
        // take 1 for everything.
        broker.purge(seq <= 1 ? broker.stream!.last + 1 : seq);
        return { success: true };
      }
      default:
        throw new Error(`${question} is not simulated`);
    }
  }
}

function messageOf(
  stream: SimulatedStream,
  { seq = 0, last_by_subj, next_by_subj }: {
    seq?: number;
    last_by_subj?: string;
    next_by_subj?: string;
  },
): StoredEntry | undefined {
  const subject = last_by_subj ?? next_by_subj;
  if (subject === undefined) return stream.entries.get(seq);
  if (subject !== FENCE_SUBJECT) {
    throw new Error(`Messages on ${subject} are not simulated`);
  }
  return last_by_subj === undefined
    ? stream.fences.find(({ sequence }) => sequence >= seq)
    : stream.fences.at(-1);
}

function infoOf(
  { created, config, first, last, entries, bytes }: SimulatedStream,
) {
  return {
    created,
    config,
    state: {
      first_seq: first,
      last_seq: last,
      messages: entries.size,
      bytes,
    },
  };
}
