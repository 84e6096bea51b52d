/**
 * A replica over a simulated broker: the product's own session, feed, proposals
 * and replica, with a seed in the place of a network.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { EntryVersion } from "../../src/log/change.ts";
import { encodeEntry } from "../../src/log/entry_payload.ts";
import {
  AFTER,
  type FeedMessage,
  SEAM,
} from "../../src/log/jetstream/feed_message.ts";
import { TICK_MS, UNANSWERED_RETRY_MS } from "../../src/log/jetstream/link.ts";
import { Session } from "../../src/log/jetstream/session.ts";
import { NO_ENTRIES } from "../../src/log/jetstream/stream_look.ts";
import type {
  LookAction,
  PublishAction,
  SessionAction,
} from "../../src/log/jetstream/session_actions.ts";
import type { SessionEvent } from "../../src/log/jetstream/session_events.ts";
import type { Stream } from "../../src/log/jetstream/stream.ts";
import {
  type OwnSubjects,
  ownSubjects,
} from "../../src/log/jetstream/subjects.ts";
import type {
  LogInfo,
  LogLimits,
  LogLocation,
  LogRead,
  LogStatus,
} from "../../src/log/log.ts";
import { WINDOW_MESSAGES } from "../../src/log/thread/window.ts";
import type { Sleep } from "../../src/replica/back_off.ts";
import { bootstrap } from "../../src/replica/bootstrap.ts";
import { Rejoin } from "../../src/replica/rejoin.ts";
import { Replica } from "../../src/replica/replica.ts";
import type { Wanted } from "../../src/replica/search_attempt.ts";
import type { Found } from "../../src/replica/snapshot_search.ts";
import type { EVENT_LOOP } from "../../src/snapshot/event_loop.ts";
import type { SnapshotSource } from "../../src/snapshot/source.ts";
import { Storage } from "../../src/storage/storage.ts";
import { withoutMemory } from "./memory.ts";
import type { Random } from "./random.ts";
import type { SimulatedBroker, SimulatedConsumer } from "./simulated_broker.ts";
import { entryKey, type StoredEntry } from "./simulated_stream.ts";
import { SimulatedPort } from "./simulated_thread.ts";
import type { Clock } from "./simulated_time.ts";

/** How long a set may take, in simulated time. */
const TIMEOUT_MS = 1_000;

/** How bad the network is: probabilities in percent. */
export interface Weather {
  drop: number;
  duplicate: number;
  refuse: number;
  /** How often someone else says that a batch is refused. */
  forge: number;
  disconnect: number;
  /** How often a replica's memory is out for a while. */
  full: number;
  delay_ms: number;
}

/** What a replica says of itself. */
export interface View {
  readonly sequence: number;
  /** The entry with that sequence; undefined at 0. */
  readonly key: string | undefined;
  readonly users: number;
  readonly digest: string;
  readonly isStuck: boolean;
}

/** What else happens in its process. */
export interface ReplicaListener {
  /** Entries come, of which some may be dropped. */
  entries(read: LogRead): void;
  limits(limits: LogLimits): void;
  tick(): void;
  status?(status: LogStatus): void;
  /** The other replicas can be heard from now on. */
  joined?(wasAway: boolean): void;
  /** They can't be heard until they can again. */
  left?(): void;
  /** Nothing is published before the other replicas were heard. */
  hearOthers?(hearing: number): void;
  /** It is about to make a new log. */
  making?(): void;
  /** It goes on from a snapshot; with the keys of what it had, and has now. */
  restored?(before: readonly string[], after: readonly string[]): void;
}

/** Where a replica finds snapshots. */
export interface SnapshotFinder {
  /** Looks once, as the product's search does. */
  search(
    wanted: Wanted,
    seeker: SimulatedReplica,
    signal: AbortSignal,
  ): Promise<Found>;
  sleep(...args: Parameters<Sleep>): Promise<void>;
  /** Looks where the log stands; left out where it is applied from its beginning. */
  locate?(sequence: number): Promise<LogLocation>;
}

/** How a replica is run. */
export interface ReplicaOptions {
  /** Begins its message ids; no other start of a replica has it. */
  readonly session: string;
  /** How often it does what is due, at present. */
  tick_ms(): number;
  readonly listener: ReplicaListener;
  /** The stream as it is looked at, question by question. */
  readonly stream: Pick<Stream, "look">;
  /** Whether it opens its log only when it is told to. */
  readonly isHeld: boolean;
  /** Whether it makes its log whole from a snapshot beyond its end. */
  readonly heals: boolean;
  /** Where snapshots are restored that are fuller than its state. */
  readonly loop: typeof EVENT_LOOP;
}

/** One connection; a new one after each loss. */
export class Wire {
  isOpen = true;
  /** Told when it is lost. */
  readonly closing = new Set<() => void>();
  consumer: SimulatedConsumer | undefined;
  /** When its last message arrives: it drops and delays, but keeps the order. */
  arrival = 0;
  /** When the last message of the replica's arrives. */
  sent = 0;

  /** @param epoch Of the broker. */
  constructor(readonly attempt: number, readonly epoch: number) {}
}

/** One replica with its session. */
export class SimulatedReplica {
  readonly replica: Replica;
  readonly session: Session;
  readonly #rejoin: Rejoin;
  /** The key of each entry that it applied, or that a snapshot had, in order. */
  applied: string[] = [];
  /** How often it went on from a snapshot. */
  rejoined = 0;
  /** Why it can't go on; undefined if it can. */
  failure: Error | undefined;
  /** What the replica has said of itself, whenever something happened to it. */
  readonly views: View[] = [];
  #wire: Wire | undefined;
  /** Whether its table can't grow. */
  #isFull = false;
  /** Whether it can't reach the broker. */
  #isCutOff = false;
  /** Whether anything comes from or gets to the stream. */
  hasStream = true;
  #findAgain: (() => void) | undefined;
  #found: ((info: LogInfo | undefined) => void) | undefined;
  /** How many deliveries it has yet to apply. */
  #onTheWay = 0;
  /** Which of its demands for entries the log's side answers, and is its last. */
  #answered = 0;
  #demanded = 0;
  readonly #subjects: OwnSubjects;
  /** Between the log's thread and the replica's. */
  readonly #toReplica: SimulatedPort;
  readonly #toLog: SimulatedPort;

  /**
   * @param time The time of its process.
   * @param finder Where it finds snapshots.
   */
  constructor(
    readonly name: string,
    private readonly broker: SimulatedBroker,
    private readonly time: Clock,
    private readonly random: Random,
    private readonly weather: Weather,
    private readonly finder: SnapshotFinder,
    private readonly options: Partial<ReplicaOptions> = {},
  ) {
    this.#toReplica = new SimulatedPort(time, random);
    this.#toLog = new SimulatedPort(time, random);
    this.#subjects = ownSubjects("USERGRADE", name);
    this.session = new Session({
      stream: "USERGRADE",
      replicaId: name,
      commitTimeout_ms: TIMEOUT_MS,
      session: options.session ?? name,
    });
    this.replica = new Replica({
      propose: (batch, text, version) =>
        this.#propose(batch, encodeEntry(text), version),
      defer: (callback) => time.after(0, callback),
      now: () => time.now,
    }, TIMEOUT_MS);
    this.#rejoin = new Rejoin(this.replica, {
      consume: (after, time) => {
        this.rejoined++;
        this.#restored(after, time);
        this.#consume(after, time);
      },
      sleep: (ms, signal) => finder.sleep(ms, signal),
      ...(options.loop !== undefined && { loop: options.loop }),
    });
    this.#rejoin.failed.catch((error) => this.failure = error);
    this.#rejoin.begin((wanted, signal) => this.#search(wanted, signal));
    if (options.isHeld !== true) this.open();
    this.#every(options.tick_ms ?? (() => 100), () => {
      this.session.tick(time.now);
      this.#withItsMemory(() => this.replica.tick());
      this.#deliverEntries();
      this.#act();
      options.listener?.tick();
      this.#view();
      if (!this.#isFull && this.#happens(weather.full)) this.#runOutOfMemory();
      if (this.#happens(weather.disconnect)) this.disconnect();
    });
  }

  #every(period_ms: () => number, run: () => void): void {
    this.time.after(period_ms(), () => {
      run();
      this.#every(period_ms, run);
    });
  }

  #happens(percent: number): boolean {
    return percent > 0 && this.random.below(100) < percent;
  }

  #later(run: () => void): void {
    this.time.after(this.random.below(this.weather.delay_ms + 1), run);
  }

  #search(wanted: Wanted, signal: AbortSignal): Promise<Found> {
    return this.finder.search(wanted, this, signal);
  }

  /** @returns Whether the log is there; undefined if it is not. */
  find(): Promise<LogInfo | undefined> {
    return new Promise((resolve) => {
      this.#found = resolve;
      this.#toLog.post(() => this.#tell({ type: "find" }));
    });
  }

  /**
   * Opens the log, or makes it.
   *
   * @param findAgain Called if it has to be looked for again before.
   */
  open(findAgain?: () => void): void {
    this.#findAgain = findAgain;
    this.session.handle({ type: "open" }, this.time.now);
  }

  /** It is known what the other replicas have applied. */
  othersHeard(hearing: number): void {
    this.#toLog.post(() => this.#tell({ type: "others_heard", hearing }));
  }

  /** Something was done to the stream, to make it whole. */
  healed(): void {
    this.#tell({ type: "healed" });
  }

  /** Goes on from a snapshot that is fuller than its state. */
  goOnFrom(source: SnapshotSource, signal: AbortSignal): Promise<void> {
    return this.#rejoin.goOnFrom(source, signal);
  }

  /** @returns What comes of a call of the replica's, made on the log's side. */
  call<T>(act: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) =>
      this.#toLog.post(() => {
        act().then(
          (value) => this.#toReplica.post(() => resolve(value)),
          (error) => this.#toReplica.post(() => reject(error)),
        );
      })
    );
  }

  /** The connection there is. */
  get wire(): Wire | undefined {
    return this.#wire;
  }

  /** The log was cut on behalf of this replica. */
  trimmed(): void {
    this.#tell({ type: "trimmed" });
  }

  /** Its process is gone; what it has sent may still arrive. */
  vanish(): void {
    const consumer = this.#wire?.consumer;
    if (consumer !== undefined) this.broker.consumers.delete(consumer);
  }

  /** Loses the connection. */
  disconnect(): void {
    const wire = this.#wire;
    if (wire === undefined) return;
    this.#wire = undefined;
    wire.isOpen = false;
    if (wire.consumer !== undefined) {
      this.broker.consumers.delete(wire.consumer);
    }
    for (const close of wire.closing) close();
    this.#toReplica.post(() => this.options.listener?.left?.());
    this.time.after(0, () => this.#lost(wire));
  }

  #lost({ attempt }: Wire): void {
    this.#disconnected(attempt, "it was cut");
  }

  /** While nobody answers, the service looks more often than it does here. */
  #disconnected(attempt: number, reason: string): void {
    this.#tell({ type: "disconnected", attempt, reason, isRefused: false });
    const until_ms = UNANSWERED_RETRY_MS + this.random.below(TICK_MS + 1);
    this.time.after(until_ms, () => {
      this.session.tick(this.time.now);
      this.#act();
    });
  }

  #tell(event: SessionEvent): void {
    this.session.handle(event, this.time.now);
    this.#act();
  }

  #act(): void {
    for (const action of this.session.takeActions()) this.#perform(action);
  }

  #perform(action: SessionAction): void {
    switch (action.type) {
      case "connect":
        return this.#later(() => this.#connect(action.attempt));
      case "look":
        if (this.options.stream !== undefined) {
          return void this.#look(action, this.options.stream);
        }
        return this.#ask(action.request, () => ({
          type: "looked",
          request: action.request,
          look: this.broker.look(action.question),
        }));
      case "make_stream":
        return this.#ask(action.request, () => {
          if (this.broker.stream === undefined) {
            this.options.listener?.making?.();
          }
          const look = this.broker.makeStream().look(NO_ENTRIES);
          return { type: "looked", request: action.request, look };
        });
      case "start_consumer":
        return this.#startConsumer(action.request, action.first);
      case "take_consumer":
        return;
      case "stop_consumer":
        if (this.#wire?.consumer !== undefined) {
          this.broker.consumers.delete(this.#wire.consumer);
          this.#wire.consumer = undefined;
        }
        return;
      case "publish":
        return this.#publish(action);
      case "write_identity":
        return this.#toBroker(() => this.broker.writeIdentity(action.id));
      case "status":
        return this.#toReplica.post(() => {
          this.replica.logStatusChanged(action.status);
          this.#rejoin.logStatusChanged(action.status);
          this.options.listener?.status?.(action.status);
        });
      case "limits":
        return this.#toReplica.post(() => {
          this.options.listener?.limits(action.limits);
          this.replica.logLimitsChanged(action.limits);
        });
      case "hear_others":
        return this.#toReplica.post(() => {
          const { listener } = this.options;
          if (listener?.hearOthers === undefined) {
            this.othersHeard(action.hearing);
          } else listener.hearOthers(action.hearing);
        });
      case "found":
        return this.#toReplica.post(() => this.#found?.(action.info));
      case "opened":
        return this.#toReplica.post(() => this.#opened(action.info));
      case "find_again":
        return this.#toReplica.post(() => this.#findAgain?.());
    }
  }

  /** As the service does it: a look is several questions. */
  async #look(
    { request, question }: LookAction,
    stream: Pick<Stream, "look">,
  ): Promise<void> {
    const wire = this.#wire;
    let event: SessionEvent;
    try {
      event = { type: "looked", request, look: await stream.look(question) };
    } catch (error) {
      event = { type: "failed", request, reason: (error as Error).message };
    }
    if (wire !== undefined && wire === this.#wire) this.#tell(event);
  }

  #opened(info: LogInfo): void {
    const { finder } = this;
    if (finder.locate !== undefined) {
      bootstrap(
        this.replica,
        {
          locate: (sequence) => finder.locate!(sequence),
          consume: (after, time) => {
            this.#restored(after, time);
            this.#consume(after, time);
          },
        },
        info,
        { run: (wanted, signal) => this.#search(wanted, signal) },
        new AbortController().signal,
        {
          heals: this.options.heals ?? false,
          sleep: (ms, signal) => finder.sleep(ms, signal),
        },
      ).catch((error) => this.failure = error);
      return;
    }
    this.replica.logOpened(info);
    this.replica.adopt(new Storage(), { sequence: 0, time: null });
    this.#consume(0, null);
  }

  /** The replica has a state: asks for the entries after it. */
  #consume(after: number, time: string | null): void {
    const demand = ++this.#demanded;
    this.#toLog.post(() => {
      this.#answered = demand;
      this.#onTheWay = 0;
      this.#tell({ type: "consume", after, time });
    });
  }

  /** It goes on after an entry, with the state that was after it. */
  #restored(after: number, time: string | null): void {
    const keys = time === null
      ? []
      : this.broker.keysUpTo(entryKey({ sequence: after, time }));
    assert.equal(keys.length, after);
    this.options.listener?.restored?.(this.applied, keys);
    this.applied = keys;
    this.#view();
  }

  /** Keeps the replica from the broker for a while. */
  cutOff(ms: number): void {
    this.#isCutOff = true;
    this.disconnect();
    this.time.after(ms, () => this.#isCutOff = false);
  }

  #connect(attempt: number): void {
    if (!this.broker.isUp || !this.broker.isOpen || this.#isCutOff) {
      return this.#disconnected(
        attempt,
        this.broker.isUp ? "refused" : "nobody is there",
      );
    }
    this.#wire = new Wire(attempt, this.broker.epoch);
    const server = this.random.below(this.broker.servers);
    const serverId = this.broker.serverId(server);
    const wasAway = attempt > 1;
    this.#toReplica.post(() => this.options.listener?.joined?.(wasAway));
    this.#tell({
      type: "connected",
      attempt,
      serverId,
      serverVersion: "2.15.1",
    });
  }

  /** Sends something over the connection there is, after what was sent before. */
  #toBroker(arrive: (wire: Wire) => void): void {
    const wire = this.#wire;
    if (wire === undefined) return;
    const { now } = this.time;
    const delay_ms = this.random.below(this.weather.delay_ms + 1);
    wire.sent = Math.max(wire.sent, now + delay_ms);
    this.time.world.after(wire.sent - now, () => {
      if (wire.isOpen && this.broker.isUp && this.hasStream) arrive(wire);
    });
  }

  /** Asks over the connection there is; its end, like a drop, leaves no answer. */
  #ask(request: number, answer: () => SessionEvent | undefined): void {
    this.#toBroker((wire) => {
      if (this.#happens(this.weather.drop) || !this.broker.isAnswering) {
        // A question has a time limit of its own, or is never heard of again.
        if (this.#happens(50)) return;
        return this.time.after(2_000, () => {
          if (!wire.isOpen) return;
          this.#tell({ type: "failed", request, reason: "TIMEOUT" });
        });
      }
      const event = answer();
      this.#later(() => {
        if (event !== undefined && wire.isOpen) this.#tell(event);
      });
    });
  }

  #startConsumer(request: number, first: number): void {
    const wire = this.#wire;
    if (wire === undefined) return;
    if (wire.consumer !== undefined) {
      this.broker.consumers.delete(wire.consumer);
    }
    const consumer: SimulatedConsumer = {
      next: first,
      isSilent: false,
      isPaused: false,
      deliver: (entry, pending) =>
        this.#deliver(wire, consumer, entry, pending),
      heartbeat: (lastSent) =>
        this.#receiveLater(wire, consumer, {
          subject: "heartbeat",
          reply: undefined,
          header: (name) => name === "Nats-Last-Stream" ? String(lastSent) : "",
          data: new Uint8Array(0),
          bytes: 0,
        }),
    };
    wire.consumer = consumer;
    this.#ask(request, () => {
      if (this.broker.stream === undefined) {
        return { type: "failed", request, reason: "stream not found" };
      }
      this.broker.consumers.add(consumer);
      this.broker.send(consumer);
      return { type: "consumer_started", request };
    });
  }

  #deliver(
    wire: Wire,
    consumer: SimulatedConsumer,
    entry: StoredEntry,
    pending: number,
  ): void {
    if (!this.hasStream || this.#happens(this.weather.drop)) return;
    const message: FeedMessage = {
      subject: entry.subject,
      reply:
        `$JS.ACK.S.C.1.${entry.sequence}.1.${entry.nanoseconds}.${pending}`,
      header: (name) => {
        if (name === SEAM) return entry.seam ?? "";
        if (name === AFTER) return entry.afterTime ?? "";
        return name === "Nats-Msg-Id" ? entry.messageId : "";
      },
      data: entry.payload,
      bytes: entry.payload.length,
    };
    const copies = this.#happens(this.weather.duplicate) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      this.#receiveLater(wire, consumer, message);
    }
  }

  #receiveLater(
    wire: Wire,
    consumer: SimulatedConsumer,
    message: FeedMessage,
  ): void {
    wire.arrival = Math.max(
      wire.arrival,
      this.time.now + this.random.below(this.weather.delay_ms + 1),
    );
    this.time.after(wire.arrival - this.time.now, () => {
      if (!wire.isOpen || consumer !== wire.consumer) return;
      this.session.receive(message, this.time.now);
      this.#deliverEntries();
      this.#act();
    });
  }

  /** Posts what was fed, unless the replica holds back what is behind. */
  #deliverEntries(): void {
    const { feed } = this.session;
    if (this.#onTheWay >= WINDOW_MESSAGES || feed.isEmpty) return;
    const demand = this.#answered;
    const { read } = feed.take();
    const { lastSequence } = feed;
    this.#onTheWay++;
    this.#toReplica.post(() => this.#apply(demand, read, lastSequence));
  }

  #apply(demand: number, read: LogRead, lastSequence: number): void {
    // From before it went on from a snapshot.
    if (demand !== this.#demanded) return;
    const { entries } = read;
    this.options.listener?.entries(read);
    this.applied.push(...entries.map(entryKey));
    const taken = () =>
      this.#toLog.post(() => {
        if (demand !== this.#answered) return;
        this.#onTheWay--;
        this.#deliverEntries();
      });
    this.#withItsMemory(() => this.replica.apply(entries, lastSequence, taken));
    // It has refused the mark of another state, and all behind it.
    if (this.replica.isForked) {
      this.applied.length = this.replica.appliedSequence;
    }
  }

  #runOutOfMemory(): void {
    this.#isFull = true;
    this.time.after(this.random.below(3_000), () => this.#isFull = false);
  }

  #withItsMemory(run: () => void): void {
    if (this.#isFull) withoutMemory("records", run);
    else run();
    this.#view();
  }

  #view(): void {
    const { appliedSequence: sequence, isStuck } = this.replica;
    const { users, digest } = this.replica;
    const last = this.views.at(-1);
    if (
      last?.sequence === sequence && last.isStuck === isStuck &&
      last.digest === digest
    ) return;
    const key = this.applied[sequence - 1];
    this.views.push({ sequence, key, users, digest, isStuck });
  }

  #propose(
    batch: number,
    payload: Uint8Array<ArrayBuffer>,
    version: EntryVersion,
  ): void {
    this.#toLog.post(() => {
      this.session.propose(batch, payload, this.time.now, version).catch((
        error,
      ) =>
        this.#toReplica.post(() => this.replica.proposalFailed(batch, error))
      );
      this.#act();
    });
  }

  #publish(
    action: PublishAction,
  ): void {
    const { batch, messageId, payload, version, seam, lastOwn } = action;
    const { after, afterTime } = action;
    const subject = this.#subjects[version];
    const lastOn = lastOwn && {
      subject: this.#subjects[lastOwn.version],
      sequence: lastOwn.sequence,
    };
    if (this.#happens(this.weather.drop)) return;
    this.#toBroker((wire) => {
      const refuse = (reason: string) =>
        this.#later(() =>
          wire.isOpen && this.#tell({ type: "refused", batch, reason })
        );
      // Someone else answers, before the stream does.
      if (this.#happens(this.weather.forge)) refuse("forged");
      if (this.#happens(this.weather.refuse)) return refuse("full");
      const reason = this.broker.publish(
        {
          messageId,
          subject,
          payload,
          seam: seam?.toString(),
          after,
          afterTime,
          ...(lastOn && { lastOn }),
        },
        this.time.now,
      );
      if (reason !== undefined) refuse(reason);
    });
  }
}
