/**
 * Rows of a backup that a worker reads.
 *
 * @module
 */
import type { RowBlock } from "../../storage/row_block.ts";
import type { FoundRows } from "../row_check.ts";
import { BackupError } from "./backup_error.ts";
import type { ByteReader } from "./byte_reader.ts";
import type { FromDecodeWorker, ToDecodeWorker } from "./decode_worker.ts";
import type { RestFactor } from "./rest.ts";
import { SpareWorker } from "./spare_worker.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** How many chunks of the file are on their way to the worker at a time. */
const WINDOW_CHUNKS = 4;

const WORKER_URL = new URL("./decode_worker.ts", import.meta.url);

/** Those that check files have given way to others, and can't undo it. */
const checkers = new SpareWorker(WORKER_URL);

/** Reads one file, whose header is read, in a worker. */
export class BackupDecoder implements Disposable {
  readonly #worker: Worker;
  #chunksOnTheWay = 0;
  /** Rows that have come. */
  readonly #blocks: RowBlock[] = [];
  /** The worker got the whole file. */
  #isFed = false;
  #hasEnded = false;
  #error: Error | undefined;
  /** The next message, or the end of this. */
  #changed = Promise.withResolvers<void>();
  /** What was found, if no rows were wanted; there after the end. */
  found: FoundRows | undefined;

  /**
   * @param reader The file, after its header.
   * @param wantsRows Whether the rows are wanted, or only what they are together.
   * @param restFactor Asked before each chunk.
   */
  constructor(
    private readonly reader: ByteReader,
    private readonly wantsRows: boolean,
    private readonly restFactor: RestFactor,
  ) {
    this.#worker = wantsRows
      ? new Worker(WORKER_URL, { type: "module" })
      : checkers.take();
    this.#worker.onmessage = ({ data }: MessageEvent<FromDecodeWorker>) => {
      this.#receive(data);
      this.#wake();
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.fail(new Error(`The decode worker died: ${event.message}`));
    };
    this.#post({ type: "begin", wantsRows });
    this.#feed().catch((error) => this.fail(error));
  }

  #receive(message: FromDecodeWorker): void {
    switch (message.type) {
      case "taken":
        this.#chunksOnTheWay--;
        return;
      case "rows":
        this.#blocks.push(message.block);
        return;
      case "end":
        this.found = message.found;
        this.#hasEnded = true;
        return;
      case "failed":
        return this.fail(
          message.isDamaged
            ? new BackupError(message.reason)
            : new Error(`The decode worker failed: ${message.reason}`),
        );
    }
  }

  async #feed(): Promise<void> {
    while (this.#error === undefined) {
      if (this.#chunksOnTheWay >= WINDOW_CHUNKS) {
        await this.#changed.promise;
        continue;
      }
      const chunk = await this.reader.take();
      if (chunk === undefined) {
        this.#isFed = true;
        return this.#post({ type: "end" });
      }
      // A part of a buffer would take all of it along.
      const bytes = chunk.length === chunk.buffer.byteLength
        ? chunk as Bytes
        : chunk.slice();
      this.#chunksOnTheWay++;
      const restFactor = this.restFactor();
      this.#post({ type: "bytes", bytes, restFactor }, [bytes.buffer]);
    }
  }

  /** @returns The next rows; undefined at the end. */
  async next(): Promise<RowBlock | undefined> {
    for (;;) {
      if (this.#error !== undefined) throw this.#error;
      const block = this.#blocks.shift();
      if (block !== undefined) {
        this.#post({ type: "taken" });
        return block;
      }
      if (this.#hasEnded) return undefined;
      await this.#changed.promise;
    }
  }

  #post(message: ToDecodeWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Ends it. Every wait for rows, now or later, gets the error. */
  fail(error: Error): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    if (this.#isFed && this.#hasEnded && !this.wantsRows) {
      checkers.giveBack(this.#worker);
    } else this.#worker.terminate();
    this.reader.cancel(error).catch(() => {});
    this.#wake();
  }

  [Symbol.dispose](): void {
    this.fail(new Error("The backup was read"));
  }
}
