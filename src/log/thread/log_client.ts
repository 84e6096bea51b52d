/**
 * The main thread's side of the log worker.
 *
 * @module
 */
import { batchBuffers, type RowBatch } from "../../storage/row_batch.ts";
import {
  type LogBase,
  type LogEntry,
  LogFailedError,
  type LogInfo,
  type LogLocation,
  type LogStatus,
  NotStoredError,
  OutcomeUnknownError,
} from "../log.ts";
import {
  type FromLogWorker,
  type LogOptions,
  type ToLogWorker,
  WINDOW_MESSAGES,
  type WriteBaseMessage,
} from "./messages.ts";
import type { PresenceListener } from "../jetstream/members_channel.ts";

/** What a {@linkcode LogClient} tells of, once it is open. */
export interface LogListener {
  /** The next entries, in order and without a gap. */
  entries(entries: readonly LogEntry[], lastSequence: number): void;
  /** The log's status has changed. */
  status(status: LogStatus): void;
  /** The log's first entry still there, which its limits may have moved. */
  firstSequence(sequence: number): void;
  /** A batch did not commit; the error says how sure that is. */
  proposalFailed(
    batch: number,
    error: NotStoredError | OutcomeUnknownError,
  ): void;
  /** The log can't go on: the replica must stop. Called once. */
  failed(error: LogFailedError): void;
  /** Told of the replicas that share the log. */
  readonly presence: PresenceListener;
}

/** Runs one log in a Web Worker. */
export class LogClient {
  readonly #worker: Worker;
  #opened = Promise.withResolvers<LogInfo>();
  #baseRead: PromiseWithResolvers<void> | undefined;
  #onBaseRows: ((rows: RowBatch) => void) | undefined;
  #located: PromiseWithResolvers<LogLocation> | undefined;
  #baseWritten: PromiseWithResolvers<void> | undefined;
  #closed = Promise.withResolvers<void>();
  /** Messages of the window that the worker has not been told are taken. */
  #taken = 0;
  #failure: LogFailedError | undefined;

  /** @param listener Told of everything that comes unasked. */
  constructor(private readonly listener: LogListener) {
    this.#worker = new Worker(new URL("./log_worker.ts", import.meta.url), {
      type: "module",
    });
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
    // Each is also reported to the listener.
    this.#opened.promise.catch(() => {});
    this.#closed.promise.catch(() => {});
  }

  /**
   * Opens the log.
   *
   * @throws {LogFailedError} If it can't be used.
   */
  open(options: LogOptions): Promise<LogInfo> {
    this.#send({ type: "open", options });
    return this.#opened.promise;
  }

  /**
   * Reads the base that `open` told of.
   *
   * @param onRows Takes each part; the worker waits for it.
   * @throws {LogFailedError} If it can't be read.
   */
  readBase(onRows: (rows: RowBatch) => void): Promise<void> {
    this.#onBaseRows = onRows;
    this.#baseRead = Promise.withResolvers();
    this.#send({ type: "read_base" });
    return this.#baseRead.promise;
  }

  /**
   * Looks where the log stands now, as {@linkcode ReplicatedLog.locate} does.
   * One question at a time.
   *
   * @throws {LogFailedError} If the log can't go on.
   */
  locate(sequence: number): Promise<LogLocation> {
    this.#located = Promise.withResolvers();
    this.#send({ type: "locate", sequence });
    return this.#located.promise;
  }

  /**
   * Starts the entries after a sequence; they come to the listener.
   *
   * @param time When the log took the entry `after`; null if not known.
   */
  consume(after: number, time: string | null): void {
    this.#send({ type: "consume", after, time });
  }

  /**
   * Proposes a batch, an entry's JSON text; the listener hears of its entry or
   * its failure. Text, since the worker has time to encode it, and the main
   * thread has none: 5 % more sets.
   */
  propose(batch: number, text: string): void {
    this.#send({ type: "propose", batch, text });
  }

  /** Announces this replica to the others that share the log, if it can. */
  announce(bytes: Uint8Array<ArrayBuffer>): void {
    this.#send({ type: "announce", bytes }, [bytes.buffer]);
  }

  /**
   * Takes one step of writing a base of the log's own.
   *
   * @throws {Error} If the worker could not; the log is as before.
   */
  async writeBase(base: LogBase, parts: Iterable<RowBatch>): Promise<void> {
    await this.#writeBaseStep({ type: "begin", base });
    for (const rows of parts) {
      await this.#writeBaseStep({ type: "rows", rows }, batchBuffers(rows));
    }
    await this.#writeBaseStep({ type: "commit" });
  }

  #writeBaseStep(
    step: WriteBaseMessage["step"],
    transfer: Transferable[] = [],
  ): Promise<void> {
    this.#baseWritten = Promise.withResolvers();
    this.#send({ type: "write_base", step }, transfer);
    return this.#baseWritten.promise;
  }

  /** Closes the log and ends the worker. */
  close(): Promise<void> {
    if (this.#failure !== undefined) return Promise.resolve();
    this.#send({ type: "close" });
    return this.#closed.promise;
  }

  #send(message: ToLogWorker, transfer: Transferable[] = []): void {
    if (this.#failure === undefined) {
      this.#worker.postMessage(message, transfer);
    }
  }

  #receive(message: FromLogWorker): void {
    switch (message.type) {
      case "opened":
        return this.#opened.resolve(message.info);
      case "base_rows":
        this.#onBaseRows!(message.rows);
        return this.#take();
      case "base_end":
        return this.#baseRead!.resolve();
      case "located":
        return this.#located!.resolve(message.location);
      case "entries":
        this.listener.entries(message.entries, message.lastSequence);
        return this.#take();
      case "status":
        return this.listener.status(message.status);
      case "first_sequence":
        return this.listener.firstSequence(message.sequence);
      case "proposal_failed": {
        const ErrorClass = message.outcome === "not_stored"
          ? NotStoredError
          : OutcomeUnknownError;
        return this.listener.proposalFailed(
          message.batch,
          new ErrorClass(message.reason),
        );
      }
      case "base_written":
        return message.error === undefined
          ? this.#baseWritten!.resolve()
          : this.#baseWritten!.reject(new Error(message.error));
      case "heard":
        return this.listener.presence.heard(message.replicaId, message.bytes);
      case "heard_dropped":
        return this.listener.presence.dropped(message.count);
      case "presence_off":
        return this.listener.presence.off(message.reason);
      case "failed":
        return this.#fail(new LogFailedError(message.reason));
      case "closed":
        return this.#closed.resolve();
    }
  }

  /**
   * Waking the other thread costs 40 µs, so it is told of several messages at
   * once, and early enough that its window never closes for that.
   */
  #take(): void {
    if (++this.#taken < WINDOW_MESSAGES / 2) return;
    this.#send({ type: "taken", messages: this.#taken });
    this.#taken = 0;
  }

  #fail(cause: Error): void {
    if (this.#failure !== undefined) return;
    const error = cause instanceof LogFailedError
      ? cause
      : new LogFailedError(cause.message, { cause });
    this.#failure = error;
    this.#worker.terminate();
    this.#opened.reject(error);
    this.#baseRead?.reject(error);
    this.#located?.reject(error);
    this.#baseWritten?.reject(error);
    this.#closed.reject(error);
    this.listener.failed(error);
  }
}
