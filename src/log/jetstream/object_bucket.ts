/**
 * Snapshots in the broker: a bucket of NATS' object store beside the log, whose
 * objects are backup files. The format is that of NATS ADR-20, so that NATS'
 * own tools list and fetch them.
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
import type { Asking } from "./api.ts";
import { bucketError } from "./bucket_errors.ts";
import { type BucketOptions, BucketUpkeep } from "./bucket_upkeep.ts";
import { NamedObjects, type ObjectId } from "./named_objects.ts";
import { readChunks } from "./object_download.ts";
import type { ObjectMeta } from "./object_meta.ts";
import { bucketOf, newChunkId } from "./object_names.ts";
import { ObjectStream } from "./object_stream.ts";
import { sweepDeadUploads } from "./object_sweep.ts";
import { ObjectUpload, type UploadOptions } from "./object_upload.ts";

/** The bucket over the present connection. */
interface Connected {
  readonly stream: ObjectStream;
  readonly objects: NamedObjects;
}

/** A {@linkcode FilePlace} in a bucket of NATS' object store. */
export class ObjectBucket implements FilePlace {
  readonly #bucket: string;
  /** The chunk ids of the uploads that are under way here. */
  readonly #living = new Set<string>();
  readonly #upkeep: BucketUpkeep;

  /**
   * @param options Names the bucket; it is made when the first snapshot is.
   * @param api Asks over the present connection; undefined while there is none.
   * @param uploads How snapshots are stored.
   */
  constructor(
    private readonly options: BucketOptions,
    private readonly api: () => Asking | undefined,
    private readonly uploads: UploadOptions = {},
  ) {
    this.#bucket = bucketOf(options.stream);
    this.#upkeep = new BucketUpkeep(options, this.#bucket);
  }

  list(): Promise<PlacedFile[]> {
    return this.#attempt(
      "list the snapshots",
      async ({ objects }) => (await objects.list()).map(placedFile),
    );
  }

  open(
    id: string,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    return this.#attempt(
      `open the snapshot ${id}`,
      async ({ stream, objects }) => {
        const meta = await objects.find(partsOf(id));
        return ReadableStream.from(this.#read(stream, id, meta, signal));
      },
    );
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
      // A file that is deleted breaks off, which is no damage.
      if (error instanceof SnapshotDamagedError) {
        await this.#attempt(what, ({ objects }) => objects.find(partsOf(id)));
      }
      throw bucketError(what, this.#bucket, error);
    }
  }

  markVerified(id: string): Promise<void> {
    return this.#attempt(
      `mark the snapshot ${id}`,
      ({ objects }) => objects.markVerified(partsOf(id)),
    );
  }

  delete(id: string): Promise<void> {
    return this.#attempt(
      `delete the snapshot ${id}`,
      ({ objects }) => objects.delete(partsOf(id)),
    );
  }

  create(info: BackupInfo): Promise<FileSink> {
    return this.#attempt("begin a snapshot", async ({ stream, objects }) => {
      await this.#upkeep.ensure(stream);
      const chunkId = newChunkId(this.options.replicaId);
      this.#living.add(chunkId);
      try {
        await sweepDeadUploads(stream, {
          bucket: this.#bucket,
          replicaId: this.options.replicaId,
          chunkId,
          isLiving: (id) => this.#living.has(id),
        });
      } catch (error) {
        this.#living.delete(chunkId);
        throw error;
      }
      const upload = new ObjectUpload(
        stream,
        this.#bucket,
        chunkId,
        this.uploads,
      );
      return this.#sink(objects, info, upload);
    });
  }

  #sink(
    objects: NamedObjects,
    info: BackupInfo,
    upload: ObjectUpload,
  ): FileSink {
    const { chunkId } = upload;
    let isCommitted = false;
    return {
      write: (bytes) =>
        this.#naming("write a snapshot", () => upload.write(bytes)),
      commit: () =>
        this.#naming("commit a snapshot", async () => {
          const uploaded = await upload.finish();
          const meta = await objects.add(info, chunkId, uploaded);
          isCommitted = true;
          this.#living.delete(chunkId);
          return placedFile(meta);
        }),
      abort: async () => {
        await upload.end();
        if (isCommitted || !this.#living.delete(chunkId)) return;
        // A later sweep finds what can't be deleted now.
        await this.#attempt(
          "abort a snapshot",
          ({ objects }) => objects.takeBack(info, chunkId),
        ).catch(() => {});
      },
    };
  }

  #connected(): Connected {
    const api = this.api();
    if (api === undefined) {
      throw new SnapshotStoreError(
        `Cannot reach the bucket ${this.#bucket}: NATS is not connected`,
      );
    }
    const stream = new ObjectStream(api, this.#bucket);
    return { stream, objects: new NamedObjects(stream, this.#bucket) };
  }

  /** Does something over the present connection, and names what fails. */
  #attempt<T>(
    what: string,
    work: (connected: Connected) => Promise<T>,
  ): Promise<T> {
    return this.#naming(what, () => work(this.#connected()));
  }

  /** Does something, and names what fails. */
  async #naming<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw bucketError(what, this.#bucket, error);
    }
  }
}

/** @returns The snapshot as a file; its id is unique for ever, its name is not. */
function placedFile(meta: ObjectMeta): PlacedFile {
  const { name, chunkId, info, bytes, isVerified } = meta;
  return { id: `${name}/${chunkId}`, info, bytes, isVerified };
}

/** What an id is made of. */
function partsOf(id: string): ObjectId {
  const [name, chunkId = ""] = id.split("/");
  return { name, chunkId };
}
