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
import { bucketProblem } from "./bucket_settings.ts";
import { NamedObjects, type ObjectId } from "./named_objects.ts";
import { readChunks } from "./object_download.ts";
import type { ObjectMeta } from "./object_meta.ts";
import { bucketOf, bucketStream, newChunkId } from "./object_names.ts";
import { type BucketConfig, ObjectStream } from "./object_stream.ts";
import { sweepDeadUploads } from "./object_sweep.ts";
import { ObjectUpload, type UploadOptions } from "./object_upload.ts";

/** Which bucket it is, and who writes to it. */
export interface BucketOptions {
  /** The stream that is the log. */
  readonly stream: string;
  readonly replicaId: string;
  /**
   * On how many servers the log is to be kept: a bucket is made on as many
   * while the log's stream is gone. 1 if left out.
   */
  readonly streamReplicas?: number;
  /** Told what an operator should do about the bucket. */
  warn?(message: string): void;
}

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
  /** Whether it was told that the bucket is kept on too few servers. */
  #isWarned = false;

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
      await this.#ensure(stream);
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

  /** Makes the bucket if it is not there, and checks that it can be used. */
  async #ensure(stream: ObjectStream): Promise<void> {
    const config = await stream.config();
    if (config === undefined) {
      const { stream: log, streamReplicas = 1 } = this.options;
      const servers = await stream.serversOf(log) ?? streamReplicas;
      return await stream.make(this.#bucket, servers);
    }
    const problem = bucketProblem(config, this.#bucket);
    if (problem !== undefined) throw new SnapshotStoreError(problem);
    await this.#follow(stream, config);
  }

  /**
   * Keeps the bucket on as many servers as the log: it may have been made before
   * the stream was put on more. Without that, the loss of one server would cost
   * what the log was cut behind.
   */
  async #follow(stream: ObjectStream, config: BucketConfig): Promise<void> {
    const servers = await stream.serversOf(this.options.stream);
    // A log that is gone is made again from what is stored now.
    if (servers === undefined) return;
    const { num_replicas = servers } = config;
    if (num_replicas >= servers) return;
    try {
      await stream.spread(config, servers);
    } catch (error) {
      if (this.#isWarned) return;
      this.#isWarned = true;
      const name = bucketStream(this.#bucket);
      this.options.warn?.(
        `The snapshots are kept on ${num_replicas} of NATS' servers and the log on ${servers}, and this replica can't change that (${
          (error as Error).message
        }): run nats stream edit ${name} --replicas ${servers}`,
      );
    }
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
