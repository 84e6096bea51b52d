/**
 * One snapshot on its way into a bucket: its chunks, each stored before it
 * counts, and a bounded number of them on their way.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { SnapshotStoreError } from "../../snapshot/store.ts";
import { CHUNK_BYTES, digestText } from "./object_meta.ts";
import { chunkSubject } from "./object_names.ts";
import type { ObjectStream } from "./object_stream.ts";
import { SteadyClock } from "./steady_clock.ts";

/** The most bytes that are sent and not yet confirmed by the server. */
export const WINDOW_BYTES = 1024 * 1024;

/**
 * An upload ends itself after this long without a chunk: sooner than its chunks
 * may be swept, whatever the clocks do.
 */
export const UPLOAD_SILENCE_MAX_MS = 20_000;

/** How an upload is made. */
export interface UploadOptions {
  /** The time in milliseconds, which sees a machine that slept. */
  readonly now?: () => number;
  /** How large a chunk is at most. */
  readonly chunk_bytes?: number;
}

/** What was uploaded. */
export interface Uploaded {
  readonly bytes: number;
  readonly chunks: number;
  readonly digest: string;
}

/** The chunks of one snapshot. */
export class ObjectUpload {
  readonly #subject: string;
  readonly #hash = createHash("sha256");
  #sent_ms = 0;
  readonly #now: () => number;
  readonly #chunk_bytes: number;
  /** The chunk that is being filled. */
  #chunk: Uint8Array<ArrayBuffer>;
  #filled = 0;
  #bytes = 0;
  #chunks = 0;
  /** Chunks that the server has not confirmed, the oldest first. */
  #onTheWay: Promise<void>[] = [];
  #isOver = false;

  /**
   * @param stream Where it goes.
   * @param bucket The bucket's name.
   * @param chunkId Names its chunks.
   * @param options How it is made.
   */
  constructor(
    private readonly stream: ObjectStream,
    bucket: string,
    readonly chunkId: string,
    { now = steadyNow(), chunk_bytes = CHUNK_BYTES }: UploadOptions = {},
  ) {
    this.#now = now;
    this.#chunk_bytes = chunk_bytes;
    this.#chunk = new Uint8Array(chunk_bytes);
    this.#subject = chunkSubject(bucket, chunkId);
  }

  /**
   * Takes the next bytes.
   *
   * @returns Resolves when there is room for more.
   * @throws {SnapshotStoreError} If it has ended.
   * @throws {ApiError} If a chunk is not stored.
   */
  async write(bytes: Uint8Array): Promise<void> {
    this.#mustBeOpen();
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + this.#chunk_bytes - this.#filled);
      this.#chunk.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#chunk_bytes) await this.#send();
    }
  }

  /** Sends the chunk, once fewer than the window are on their way. */
  async #send(): Promise<void> {
    const chunk = this.#chunk.subarray(0, this.#filled);
    // The library sends it later: the buffer must stay as it is.
    this.#chunk = new Uint8Array(this.#chunk_bytes);
    this.#filled = 0;
    this.#hash.update(chunk);
    while (this.#onTheWay.length >= WINDOW_BYTES / this.#chunk_bytes) {
      await this.#onTheWay.shift();
    }
    this.#mustBeOpen();
    const stored = this.stream.publish(this.#subject, chunk).then(() => {});
    // It may fail while nobody waits for it.
    stored.catch(() => {});
    this.#onTheWay.push(stored);
    this.#sent_ms = this.#now();
    this.#bytes += chunk.length;
    this.#chunks++;
  }

  /** Sends the rest and waits until all is stored; nothing comes after it. */
  async finish(): Promise<Uploaded> {
    this.#mustBeOpen();
    if (this.#filled > 0) await this.#send();
    for (const stored of this.#onTheWay) await stored;
    this.#mustBeOpen();
    this.#isOver = true;
    return {
      bytes: this.#bytes,
      chunks: this.#chunks,
      digest: digestText(this.#hash.digest()),
    };
  }

  /** Ends it: nothing is sent any more once this resolves. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.allSettled(this.#onTheWay);
  }

  #mustBeOpen(): void {
    if (this.#isOver) throw new SnapshotStoreError("The snapshot has ended");
    if (
      this.#chunks > 0 && this.#now() - this.#sent_ms > UPLOAD_SILENCE_MAX_MS
    ) {
      this.#isOver = true;
      throw new SnapshotStoreError(
        `The snapshot has ended: nothing was written for ${
          UPLOAD_SILENCE_MAX_MS / 1000
        } s, and others may sweep it`,
      );
    }
  }
}

function steadyNow(): () => number {
  const clock = new SteadyClock(performance.now(), Date.now());
  return () => clock.now(performance.now(), Date.now());
}
