/**
 * The replicated log on NATS JetStream: one stream per cluster.
 *
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import type { EntryVersion } from "../change.ts";
import type { HealableLog } from "../healable_log.ts";
import {
  FindAgainError,
  LogFailedError,
  type LogInfo,
  type LogLocation,
  type LogRead,
  type TrimmableLog,
} from "../log.ts";
import type { HeartbeatForms } from "../members.ts";
import { UnavailableError } from "../../errors.ts";
import type { FilePlace } from "../../snapshot/file_place.ts";
import { forbiddenOr } from "./bucket_errors.ts";
import { HealableStream } from "./heal_stream.ts";
import { RETRY_MS } from "./link.ts";
import type { MembersChannel } from "./members_channel.ts";
import { ObjectBucket } from "./object_bucket.ts";
import type { JetStreamOptions } from "./options.ts";
import { type LogListener, SessionRunner } from "./session_runner.ts";

/** A {@linkcode TrimmableLog} in a JetStream stream. */
export class JetStreamLog implements TrimmableLog {
  readonly #runner: SessionRunner;
  /** The snapshots in the broker; they can be used while it is connected. */
  readonly files: FilePlace;
  /** Makes the log whole when it has lost entries. */
  readonly healing: HealableLog;
  #opened = newOpening();
  #found: PromiseWithResolvers<LogInfo | undefined> | undefined;
  #isClosed = false;
  /** How often entries were asked for. */
  #iterations = 0;
  #wake: (() => void) | undefined;

  /**
   * @param options The servers and the stream.
   * @param listener Gets the changes.
   * @param members Where the replicas of this log tell of themselves, if they do.
   */
  constructor(
    options: JetStreamOptions,
    listener: LogListener,
    private readonly members?: MembersChannel,
  ) {
    this.#runner = new SessionRunner(
      options,
      listener,
      {
        found: (info) => this.#found?.resolve(info),
        opened: (info) => this.#opened.resolve(info),
        findAgain: () => this.#findAgain(),
        received: () => this.#wake?.(),
      },
      members,
    );
    const { stream, replicaId, streamReplicas } = options;
    this.files = new ObjectBucket(
      {
        stream,
        replicaId,
        streamReplicas,
        warn: (message) => listener.warn(message),
      },
      () => this.#runner.line?.aside,
    );
    this.healing = new HealableStream(stream, {
      log: () => this.#runner.session.log,
      connection: () => this.#runner.line,
      healed: () => this.#runner.tell({ type: "healed" }),
    });
  }

  get lastSequence(): number {
    return this.#runner.session.feed.lastSequence;
  }

  /** Connects to NATS, and hears the other replicas from then on. */
  connect(): void {
    this.#runner.start();
  }

  /**
   * Looks whether the log is there, as soon as NATS can be asked. Only one look
   * at a time, and none once the log was opened.
   *
   * @returns Undefined if there is no such stream.
   * @throws {LogFailedError} If the log is closed meanwhile.
   */
  find(): Promise<LogInfo | undefined> {
    this.connect();
    this.#found = Promise.withResolvers();
    this.#runner.tell({ type: "find" });
    return this.#found.promise;
  }

  open(id?: string): Promise<LogInfo> {
    this.connect();
    const { promise } = this.#opened;
    this.#runner.tell({ type: "open", id });
    return promise;
  }

  #findAgain(): void {
    const outdated = this.#opened;
    this.#opened = newOpening();
    outdated.reject(
      new FindAgainError(
        "The stream was not there when it was looked for, which is too long ago to make it: look again",
      ),
    );
  }

  propose(
    batch: number,
    payload: Uint8Array<ArrayBuffer>,
    version: EntryVersion = 1,
  ): Promise<void> {
    return this.#runner.propose(batch, payload, version);
  }

  /** Sends a heartbeat to the other replicas. */
  sendHeartbeat(forms: HeartbeatForms): void {
    const bytes = this.#runner.session.toTell(forms);
    if (bytes !== undefined) this.members?.send(bytes);
  }

  async locate(sequence: number): Promise<LogLocation> {
    for (;;) {
      try {
        const { line } = this.#runner;
        if (line !== undefined) return await line.stream.locate(sequence);
      } catch {
        // The session says what is wrong with the log, if it lasts.
      }
      await delay(RETRY_MS);
      if (this.#isClosed) throw new LogFailedError("The log was closed");
    }
  }

  /** The other replicas were heard: the answer to a listener's `hearOthers`. */
  othersHeard(hearing: number): void {
    this.#runner.tell({ type: "others_heard", hearing });
  }

  async trim(sequence: number): Promise<number> {
    const { lastSequence } = this;
    if (sequence > lastSequence) {
      throw new RangeError(
        `Cannot cut the log at ${sequence}: it ends at ${lastSequence}`,
      );
    }
    const { line, session: { status: { state, reason } } } = this.#runner;
    if (line === undefined || state !== "connected") {
      throw new UnavailableError(`Cannot cut the log now: ${reason}`);
    }
    try {
      return await line.asideStream.trim(sequence);
    } catch (error) {
      throw forbiddenOr(error);
    } finally {
      this.#runner.tell({ type: "trimmed" });
    }
  }

  async *entries(
    after: number,
    time: string | null = null,
  ): AsyncGenerator<LogRead> {
    const iteration = ++this.#iterations;
    this.#wake?.();
    this.#runner.tell({ type: "consume", after, time });
    const { feed } = this.#runner.session;
    while (!this.#isClosed && iteration === this.#iterations) {
      if (feed.isEmpty) {
        await new Promise<void>((resolve) => this.#wake = resolve);
        continue;
      }
      const { read, flowReply } = feed.take();
      if (read.entries.length > 0) yield read;
      if (flowReply !== undefined && iteration === this.#iterations) {
        this.#runner.line?.entries.answerFlow(flowReply);
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const ended = this.#runner.close();
    const closed = new LogFailedError("The log was closed");
    this.#opened.reject(closed);
    this.#found?.reject(closed);
    this.#wake?.();
    await ended;
  }
}

/** It rejects if the log is closed before; nobody may have opened it. */
function newOpening(): PromiseWithResolvers<LogInfo> {
  const opening = Promise.withResolvers<LogInfo>();
  opening.promise.catch(() => {});
  return opening;
}
