/**
 * The main thread's side of the log worker.
 *
 * @module
 */
import type { FilePlace } from "../../snapshot/file_place.ts";
import type { SnapshotStore } from "../../snapshot/store.ts";
import type { EntryVersion } from "../change.ts";
import type { HealableLog } from "../healable_log.ts";
import {
  FindAgainError,
  type LogEntry,
  LogFailedError,
  type LogInfo,
  type LogLimits,
  type LogLocation,
  type LogStatus,
  NotStoredError,
  OutcomeUnknownError,
} from "../log.ts";
import { Caller, CallError } from "./calls.ts";
import { FileClient } from "./file_client.ts";
import { HealingClient } from "./healing_client.ts";
import { startLogThread } from "./log_thread.ts";
import type {
  FromLogWorker,
  LogCalls,
  LogOptions,
  ToLogWorker,
} from "./messages.ts";
import { SnapshotClient } from "./snapshot_client.ts";
import { named } from "./store_errors.ts";
import { ReceiveWindow } from "./window.ts";

/** What a {@linkcode LogClient} reports by itself. */
export interface LogClientListener {
  /**
   * The next entries, in order and without a gap. Until `taken` is called for
   * them, only a window of more comes, and the worker holds back the rest.
   *
   * @param bytes How many bytes they have in the log.
   */
  entries(
    entries: readonly LogEntry[],
    lastSequence: number,
    bytes: number,
    taken: () => void,
  ): void;
  /** The log's status has changed. */
  status(status: LogStatus): void;
  /** The log's first entry still there: a trim has moved it. */
  firstSequence(sequence: number): void;
  /** What the log has and takes now. */
  limits(limits: LogLimits): void;
  /** Something that an operator should know, and that ends nothing. */
  warn(message: string): void;
  /** A batch did not commit; the error says how sure that is. */
  proposalFailed(
    batch: number,
    error: NotStoredError | OutcomeUnknownError,
  ): void;
  /**
   * Nothing is proposed before it is known what the other replicas have
   * applied: call {@linkcode LogClient.othersHeard} then. A later hearing takes
   * the place of those before.
   */
  hearOthers(hearing: number): void;
  /** The log can't go on: the replica must stop. Called once. */
  failed(error: LogFailedError): void;
}

/** Runs one log in a Web Worker. */
export class LogClient {
  readonly #worker: Worker;
  readonly #calls = new Caller<LogCalls>((message, transfer) =>
    this.#send(message, transfer)
  );
  /** The generation of the entries that were asked for last. */
  #generation = 0;
  #take = () => {};
  /** The snapshots that the log keeps, if its engine keeps any. */
  readonly snapshots: SnapshotStore = new SnapshotClient(this.#calls);
  /** The snapshots in the broker, where the log is shared. */
  readonly files: FilePlace = new FileClient(this.#calls);
  /** Makes the log whole when it has lost entries, where it is shared. */
  readonly healing: HealableLog = new HealingClient(this.#calls);
  #listener: LogClientListener | undefined;
  #failure: LogFailedError | undefined;

  /** @param worker The log's thread, which nobody has called yet. */
  constructor(worker = startLogThread()) {
    this.#worker = worker;
    this.#worker.onmessage = ({ data }: MessageEvent<FromLogWorker>) => {
      try {
        this.#receive(data);
      } catch (error) {
        this.#fail(error as Error);
      }
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new Error(`The log worker died: ${event.message}`));
    };
  }

  /** Sets the listener for what comes unasked. Call it before `open`. */
  listen(listener: LogClientListener): void {
    this.#listener = listener;
    if (this.#failure !== undefined) listener.failed(this.#failure);
  }

  /**
   * Connects to the log, if it is one that is shared.
   *
   * @param members Where the log's connection carries heartbeats to and from.
   */
  connect(options: LogOptions, members?: MessagePort): Promise<void> {
    return this.#needed(
      this.#calls.call(
        "connect",
        { options, members },
        members === undefined ? [] : [members],
      ),
    );
  }

  /**
   * Looks whether the log is there, before it is opened.
   *
   * @returns Undefined if it is not.
   * @throws {LogFailedError} If it can't be used.
   */
  find(): Promise<LogInfo | undefined> {
    return this.#needed(this.#calls.call("find", undefined));
  }

  /**
   * Opens the log, or makes it, as {@linkcode ReplicatedLog.open} does.
   *
   * @throws {LogFailedError} If it can't be used.
   * @throws {FindAgainError} If it has to be looked for again before.
   */
  async open(id?: string): Promise<LogInfo> {
    try {
      return await this.#calls.call("open", id);
    } catch (cause) {
      if (cause instanceof CallError && cause.errorName === "FindAgainError") {
        throw new FindAgainError(cause.message, { cause });
      }
      throw this.#fail(cause as Error);
    }
  }

  /**
   * Looks where the log stands now, as {@linkcode ReplicatedLog.locate} does.
   *
   * @throws {LogFailedError} If the log can't go on.
   */
  locate(sequence: number): Promise<LogLocation> {
    return this.#needed(this.#calls.call("locate", sequence));
  }

  /**
   * Starts the entries after a sequence; the listener gets them. Entries that
   * were asked for before no longer come, and neither do the ends of batches
   * among them.
   *
   * @param time When the log took the entry `after`; null if not known.
   */
  consume(after: number, time: string | null): void {
    const generation = ++this.#generation;
    const window = new ReceiveWindow((messages) =>
      this.#send({ type: "taken", generation, messages })
    );
    this.#take = () => window.take();
    this.#send({ type: "consume", generation, after, time });
  }

  /**
   * Proposes a batch, an entry's JSON text and its version; the listener gets its entry or its
   * failure. The worker encodes the text, because the main thread is busier:
   * that gives 5 % more sets.
   */
  propose(batch: number, text: string, version: EntryVersion = 1): void {
    this.#send({ type: "propose", batch, text, version });
  }

  /**
   * Lets go of old entries, as {@linkcode TrimmableLog.trim} does; the listener
   * hears which is the first then.
   *
   * @throws {SnapshotStoreError} If it can't be done;
   * {@linkcode SnapshotsForbiddenError} if it is not allowed.
   */
  trim(sequence: number): Promise<void> {
    return named(this.#calls.call("trim", sequence));
  }

  /** It is known what the other replicas have applied. */
  othersHeard(hearing: number): void {
    this.#send({ type: "others_heard", hearing });
  }

  /** Closes the log and ends the worker. */
  async close(): Promise<void> {
    if (this.#failure !== undefined) return;
    try {
      await this.#calls.call("close", undefined);
    } catch (error) {
      // A log that fails meanwhile, because it never opened, is closed too.
      if (this.#failure === undefined) throw error;
    }
    this.#worker.terminate();
  }

  #send(message: ToLogWorker, transfer: Transferable[] = []): void {
    if (this.#failure !== undefined) return;
    // Without a list the runtime takes a shorter way: 4 µs instead of 6.
    if (transfer.length === 0) this.#worker.postMessage(message);
    else this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromLogWorker): void {
    switch (message.type) {
      case "answer":
      case "call_failed":
        return this.#calls.receive(message);
      case "entries":
        if (message.generation !== this.#generation) return;
        return this.#listener!.entries(
          message.entries,
          message.lastSequence,
          message.bytes,
          this.#take,
        );
      case "status":
        return this.#listener!.status(message.status);
      case "first_sequence":
        return this.#listener!.firstSequence(message.sequence);
      case "limits":
        return this.#listener!.limits(message.limits);
      case "warning":
        return this.#listener!.warn(message.text);
      case "proposal_failed": {
        const ErrorClass = message.outcome === "not_stored"
          ? NotStoredError
          : OutcomeUnknownError;
        return this.#listener!.proposalFailed(
          message.batch,
          new ErrorClass(message.reason),
        );
      }
      case "hear_others":
        return this.#listener!.hearOthers(message.hearing);
      case "failed":
        this.#fail(new LogFailedError(message.reason));
        return;
    }
  }

  /** A call without which the log can't go on. */
  async #needed<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (cause) {
      throw this.#fail(cause as Error);
    }
  }

  #fail(cause: Error): LogFailedError {
    if (this.#failure !== undefined) return this.#failure;
    const isExpected = cause instanceof LogFailedError ||
      cause instanceof CallError && cause.errorName === "LogFailedError";
    const error = new LogFailedError(
      isExpected ? cause.message : `The log worker failed: ${cause.message}`,
      { cause },
    );
    this.#failure = error;
    this.#worker.terminate();
    this.#calls.fail(error);
    this.#listener?.failed(error);
    return error;
  }
}
