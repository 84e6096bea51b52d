/**
 * Snapshots in the broker: a bucket of NATS' object store beside the log, whose
 * objects are backup files. The format is that of NATS ADR-20, so that NATS'
 * own tools list and fetch them.
 *
 * An object's metadata makes it one. It is stored once all chunks are, and goes
 * before they do; all who change it name the one that they have seen.
 *
 * @module
 */
import type {
  FilePlace,
  FileSink,
  PlacedFile,
} from "../../snapshot/file_place.ts";
import type { BackupInfo } from "../../snapshot/format/backup_info.ts";
import { SnapshotDamagedError } from "../../snapshot/snapshot.ts";
import { SnapshotStoreError } from "../../snapshot/store.ts";
import { type Asking, isCode, WRONG_LAST_SEQUENCE } from "./api.ts";
import { bucketError } from "./bucket_errors.ts";
import { bucketProblem } from "./bucket_settings.ts";
import { readChunks } from "./object_download.ts";
import {
  decodeMeta,
  encodeMeta,
  type ObjectMeta,
  placedFile,
} from "./object_meta.ts";
import {
  bucketOf,
  chunkSubject,
  metaSubject,
  newChunkId,
  sequenceOf,
  snapshotName,
  snapshotNameOf,
} from "./object_names.ts";
import { ObjectStream } from "./object_stream.ts";
import { sweepDeadUploads } from "./object_sweep.ts";
import {
  ObjectUpload,
  UPLOAD_OPTIONS,
  type Uploaded,
} from "./object_upload.ts";

/** The most snapshots that are listed: those with the highest sequences. */
const LISTED_MAX = 64;

/** How many names are tried for a snapshot, a second apart. */
const NAMES_MAX = 16;

/** How often something is done anew because others have changed it meanwhile. */
const ATTEMPTS_MAX = 8;

/** A snapshot as it was seen. */
interface SeenObject {
  readonly meta: ObjectMeta;
  /** The sequence of its metadata. */
  readonly sequence: number;
}

/** Which bucket it is, and who writes to it. */
export interface BucketOptions {
  /** The stream that is the log. */
  readonly stream: string;
  readonly replicaId: string;
}

/** A {@linkcode FilePlace} in a bucket of NATS' object store. */
export class ObjectBucket implements FilePlace {
  readonly #bucket: string;
  /** The chunk ids of the uploads that are under way here. */
  readonly #living = new Set<string>();

  /**
   * @param options Names the bucket; it is made when the first snapshot is.
   * @param api Asks over the present connection; undefined while there is none.
   * @param uploads How snapshots are stored.
   */
  constructor(
    private readonly options: BucketOptions,
    private readonly api: () => Asking | undefined,
    private readonly uploads = UPLOAD_OPTIONS,
  ) {
    this.#bucket = bucketOf(options.stream);
  }

  list(): Promise<PlacedFile[]> {
    return this.#attempt("list the snapshots", async (stream) => {
      const names = (await stream.subjects(metaSubject(this.#bucket)))
        .map(snapshotNameOf).filter((name) => name !== undefined)
        .sort((a, b) => sequenceOf(b)! - sequenceOf(a)!)
        .slice(0, LISTED_MAX);
      const seen = await Promise.all(
        names.map((name) => this.#look(stream, name)),
      );
      return seen.filter((one) => one !== undefined)
        .map(({ meta }) => placedFile(meta));
    });
  }

  open(
    id: string,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    return this.#attempt(`open the snapshot ${id}`, async (stream) => {
      const { meta } = await this.#find(stream, id);
      return ReadableStream.from(this.#read(stream, id, meta, signal));
    });
  }

  async *#read(
    stream: ObjectStream,
    id: string,
    meta: ObjectMeta,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const what = `read the snapshot ${id}`;
    try {
      yield* readChunks(stream, meta, signal);
    } catch (error) {
      signal.throwIfAborted();
      // Its chunks go when it is deleted, which says nothing about it.
      if (error instanceof SnapshotDamagedError) {
        await this.#attempt(what, (stream) => this.#find(stream, id));
      }
      throw bucketError(what, this.#bucket, error);
    }
  }

  create(info: BackupInfo): Promise<FileSink> {
    const { replicaId } = this.options;
    return this.#attempt("begin a snapshot", async (stream) => {
      await this.#ensure(stream);
      await sweepDeadUploads(stream, {
        bucket: this.#bucket,
        replicaId,
        isLiving: (chunkId) => this.#living.has(chunkId),
      });
      const chunkId = newChunkId(replicaId);
      this.#living.add(chunkId);
      return this.#sink(
        stream,
        info,
        new ObjectUpload(stream, this.#bucket, chunkId, this.uploads),
      );
    });
  }

  /** Makes the bucket if it is not there, and sees that it can be used. */
  async #ensure(stream: ObjectStream): Promise<void> {
    const config = await stream.config();
    if (config === undefined) {
      return await stream.make(this.#bucket, this.options.stream);
    }
    const problem = bucketProblem(config, this.#bucket);
    if (problem !== undefined) throw new SnapshotStoreError(problem);
  }

  #sink(
    stream: ObjectStream,
    info: BackupInfo,
    upload: ObjectUpload,
  ): FileSink {
    const { chunkId } = upload;
    const attempt = <T>(what: string, work: () => Promise<T>) =>
      this.#attempt(`${what} the snapshot`, work);
    let isCommitted = false;
    return {
      write: (bytes) => attempt("write", () => upload.write(bytes)),
      commit: () =>
        attempt("commit", async () => {
          const uploaded = await upload.finish();
          const meta = await this.#name(stream, info, chunkId, uploaded);
          isCommitted = true;
          await upload.end();
          this.#living.delete(chunkId);
          return placedFile(meta);
        }),
      abort: async () => {
        if (isCommitted) return;
        await upload.end();
        // What can't be taken away now, the next snapshot's sweep finds.
        await attempt("abort", () => this.#takeBack(info, chunkId))
          .catch(() => {});
        this.#living.delete(chunkId);
      },
    };
  }

  /** Makes the chunks a snapshot, under the first name that is free. */
  async #name(
    stream: ObjectStream,
    info: BackupInfo,
    chunkId: string,
    uploaded: Uploaded,
  ): Promise<ObjectMeta> {
    for (let later_s = 0; later_s < NAMES_MAX; later_s++) {
      const meta: ObjectMeta = {
        ...uploaded,
        name: snapshotName(info, later_s),
        bucket: this.#bucket,
        chunkId,
        stored: new Date(this.uploads.clocks.wall()).toISOString(),
        info,
        isVerified: false,
      };
      if (await this.#publish(stream, meta, 0)) return meta;
    }
    throw new SnapshotStoreError(
      `Cannot name the snapshot: ${snapshotName(info, 0)} and ${
        NAMES_MAX - 1
      } names after it are taken`,
    );
  }

  /** @returns Whether the metadata was stored: others may have been faster. */
  async #publish(
    stream: ObjectStream,
    meta: ObjectMeta,
    lastOnSubject: number,
  ): Promise<boolean> {
    const subject = metaSubject(this.#bucket, meta.name);
    try {
      await stream.publish(subject, encodeMeta(meta), { lastOnSubject });
      return true;
    } catch (error) {
      if (isCode(error, WRONG_LAST_SEQUENCE)) return false;
      throw error;
    }
  }

  /** Takes away what an upload has stored: it may have got a name unseen. */
  async #takeBack(info: BackupInfo, chunkId: string): Promise<void> {
    for (let later_s = 0; later_s < NAMES_MAX; later_s++) {
      const name = snapshotName(info, later_s);
      const seen = await this.#look(this.#stream(), name);
      if (seen === undefined) break;
      if (seen.meta.chunkId === chunkId) {
        return await this.#delete(this.#stream(), name, chunkId);
      }
    }
    await this.#stream().purge(chunkSubject(this.#bucket, chunkId));
  }

  markVerified(id: string): Promise<void> {
    return this.#attempt(`mark the snapshot ${id}`, async (stream) => {
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        const { meta, sequence } = await this.#find(stream, id);
        if (meta.isVerified) return;
        const verified = { ...meta, isVerified: true };
        if (await this.#publish(stream, verified, sequence)) return;
      }
      throw new SnapshotStoreError(
        `Cannot mark the snapshot ${id}: others change it`,
      );
    });
  }

  delete(id: string): Promise<void> {
    return this.#attempt(`delete the snapshot ${id}`, async (stream) => {
      const { name, chunkId } = partsOf(id);
      await this.#delete(stream, name, chunkId);
    });
  }

  /** Its metadata first, so that nobody finds it without its chunks. */
  async #delete(
    stream: ObjectStream,
    name: string,
    chunkId: string,
  ): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const seen = await this.#look(stream, name);
      const isThere = seen?.meta.chunkId === chunkId;
      if (isThere) {
        await stream.purge(metaSubject(this.#bucket, name), seen.sequence);
      }
      if (attempt === 0) {
        await stream.purge(chunkSubject(this.#bucket, chunkId));
      }
      // Looked at once more: someone may have marked it meanwhile.
      if (!isThere) return;
    }
    throw new SnapshotStoreError(
      `Cannot delete the snapshot ${name}: others change it`,
    );
  }

  /** @throws {SnapshotStoreError} If there is none. */
  async #find(stream: ObjectStream, id: string): Promise<SeenObject> {
    const { name, chunkId } = partsOf(id);
    const seen = await this.#look(stream, name);
    if (seen?.meta.chunkId === chunkId) return seen;
    throw new SnapshotStoreError(
      `There is no snapshot ${id} in the bucket ${this.#bucket}`,
    );
  }

  /** @returns The snapshot of a name, as it is now. */
  async #look(
    stream: ObjectStream,
    name: string,
  ): Promise<SeenObject | undefined> {
    const message = await stream.last(metaSubject(this.#bucket, name));
    const meta = message && decodeMeta(message.data);
    if (meta?.name !== name) return undefined;
    return { meta, sequence: message!.sequence };
  }

  #stream(): ObjectStream {
    const api = this.api();
    if (api === undefined) {
      throw new SnapshotStoreError(
        `Cannot reach the bucket ${this.#bucket}: NATS is not connected`,
      );
    }
    return new ObjectStream(api, this.#bucket);
  }

  /** Does something over the present connection, and names what fails. */
  async #attempt<T>(
    what: string,
    work: (stream: ObjectStream) => Promise<T>,
  ): Promise<T> {
    try {
      return await work(this.#stream());
    } catch (error) {
      throw bucketError(what, this.#bucket, error);
    }
  }
}

/** The parts of an id: the name in the bucket, which may be used again, and the chunks'. */
function partsOf(id: string): { name: string; chunkId: string } {
  const [name, chunkId = ""] = id.split("/");
  return { name, chunkId };
}
