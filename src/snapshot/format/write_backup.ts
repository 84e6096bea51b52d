/**
 * Writing a backup: a snapshot as a gzip file, at the pace of its reader.
 *
 * @module
 */
import { blockBuffers, type RowBlock } from "../../storage/row_block.ts";
import type { Snapshot } from "../snapshot.ts";
import { backupHeader } from "./backup_info.ts";
import type { FromBackupWorker, ToBackupWorker } from "./backup_worker.ts";
import type { Compression } from "./compression.ts";
import { BARE_HEADER_BYTES, formatGzipHeader } from "./gzip_header.ts";
import { NO_REST, type RestFactor } from "./rest.ts";
import { SpareWorker } from "./spare_worker.ts";

/** After how long without a reader a backup is cut. */
export const STALL_TIMEOUT_MS = 60_000;

/** How many blocks of rows are on their way to the worker at a time. */
const WINDOW_MESSAGES = 2;

const workers = new SpareWorker(new URL("./backup_worker.ts", import.meta.url));

/** Told how a backup goes. */
export interface BackupObserver {
  /** Some bytes were read. */
  read(bytes: number): void;
  /** It has ended: all was read, or it broke off. Called once. */
  end(isComplete: boolean): void;
}

/** Nobody wants to know. */
const NO_OBSERVER: BackupObserver = { read: () => {}, end: () => {} };

/** How a backup is written. */
export interface WriteOptions {
  /** Told how it goes. */
  readonly observer?: BackupObserver;
  /** After how long without a reader it is cut: {@linkcode STALL_TIMEOUT_MS}. */
  readonly stallTimeout_ms?: number;
  /** Asked before each block of rows: no rest. */
  readonly restFactor?: RestFactor;
  /** `"small"`. */
  readonly compression?: Compression;
}

/**
 * @param snapshot What is backed up; disposed of when the stream ends, however
 * it ends.
 * @param made The time now: RFC 3339, UTC, with milliseconds.
 * @param options How it is written.
 * @returns The gzip file.
 */
export function writeBackup(
  snapshot: Snapshot,
  made: string,
  {
    observer = NO_OBSERVER,
    stallTimeout_ms = STALL_TIMEOUT_MS,
    restFactor = NO_REST,
    compression = "small",
  }: WriteOptions = {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const compressor = new Compressor(snapshot, restFactor, compression);
  let stalled: ReturnType<typeof setTimeout> | undefined;
  let hasEnded = false;
  // A reader may leave just when the last bytes come.
  const end = (isComplete: boolean) => {
    if (!hasEnded) observer.end(isComplete);
    hasEnded = true;
  };
  const next = async () => {
    try {
      return await compressor.next();
    } catch (error) {
      compressor.close();
      end(false);
      throw error;
    }
  };
  return new ReadableStream({
    start: (controller) => {
      const header = formatGzipHeader(backupHeader({ ...snapshot.info, made }));
      observer.read(header.length);
      controller.enqueue(header);
    },
    pull: async (controller) => {
      clearTimeout(stalled);
      const bytes = await next();
      if (bytes === undefined) {
        end(true);
        return controller.close();
      }
      observer.read(bytes.length);
      controller.enqueue(bytes);
      stalled = setTimeout(() => {
        compressor.close();
        end(false);
        controller.error(new Error("The backup was not read for too long"));
      }, stallTimeout_ms);
    },
    cancel: () => {
      clearTimeout(stalled);
      compressor.close();
      end(false);
    },
  }, { highWaterMark: 0 });
}

/** The rows of a snapshot as gzip without its header, made when it is asked for. */
class Compressor {
  readonly #worker = workers.take();
  #bytes: Uint8Array<ArrayBuffer>[] = [];
  #messagesOnTheWay = 0;
  #state: "rows to send" | "all rows sent" | "complete" = "rows to send";
  #error: Error | undefined;
  #isClosed = false;
  /** The worker's own header makes room for ours; nothing checks it. */
  #headerLeft = BARE_HEADER_BYTES;
  #changed = Promise.withResolvers<void>();
  readonly #blocks: AsyncIterator<RowBlock>;

  constructor(
    private readonly snapshot: Snapshot,
    private readonly restFactor: RestFactor,
    compression: Compression,
  ) {
    this.#post({ type: "begin", compression });
    this.#blocks = snapshot.blocks[Symbol.asyncIterator]();
    this.#worker.onmessage = ({ data }: MessageEvent<FromBackupWorker>) => {
      this.#receive(data);
      this.#changed.resolve();
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#error = new Error(`The backup worker died: ${event.message}`);
      this.#changed.resolve();
    };
  }

  #receive(message: FromBackupWorker): void {
    if (message.type === "taken") this.#messagesOnTheWay--;
    else if (message.type === "end") this.#state = "complete";
    else {
      const skipped = Math.min(this.#headerLeft, message.bytes.length);
      this.#headerLeft -= skipped;
      const bytes = message.bytes.subarray(skipped);
      if (bytes.length > 0) this.#bytes.push(bytes);
    }
  }

  /** @returns The next bytes; undefined after the last. */
  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    for (;;) {
      if (this.#error !== undefined) throw this.#error;
      const bytes = this.#bytes.shift();
      if (bytes !== undefined) return bytes;
      if (this.#state === "complete") {
        this.close();
        return undefined;
      }
      await this.#sendRows();
      await this.#changed.promise;
      this.#changed = Promise.withResolvers();
    }
  }

  async #sendRows(): Promise<void> {
    while (
      this.#state === "rows to send" &&
      this.#messagesOnTheWay < WINDOW_MESSAGES
    ) {
      const { done, value: rows } = await this.#blocks.next();
      if (done) {
        this.#state = "all rows sent";
        this.#post({ type: "end" });
      } else {
        this.#messagesOnTheWay++;
        const restFactor = this.restFactor();
        this.#post({ type: "rows", rows, restFactor }, blockBuffers(rows));
      }
    }
  }

  #post(message: ToBackupWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  /** Releases the snapshot and the worker; closing twice is harmless. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.snapshot[Symbol.dispose]();
    if (this.#state === "complete") workers.giveBack(this.#worker);
    else this.#worker.terminate();
  }
}
