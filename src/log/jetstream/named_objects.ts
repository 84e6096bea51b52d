/**
 * The snapshots in a bucket by their names: making, marking and deleting them.
 *
 * An object's metadata makes it a snapshot. It is stored after all chunks and
 * deleted before them. A change names the metadata that was seen, so that
 * nothing deleted comes back.
 *
 * @module
 */
import type { BackupInfo } from "../../snapshot/format/backup_info.ts";
import { SnapshotStoreError } from "../../snapshot/store.ts";
import { isCode, WRONG_LAST_SEQUENCE } from "./api.ts";
import { decodeMeta, encodeMeta, type ObjectMeta } from "./object_meta.ts";
import {
  chunkSubject,
  metaSubject,
  sequenceOf,
  snapshotName,
  snapshotNameOf,
  writerOf,
} from "./object_names.ts";
import type { ObjectStream } from "./object_stream.ts";
import type { Uploaded } from "./object_upload.ts";

/**
 * The most objects that are looked at for a list: those with the highest
 * sequences in their names, and so many at a time. Snapshots of logs that were
 * given up stay, and anyone may put objects with such names.
 */
const LISTED_MAX = 1_024;
const LOOKS_MAX = 64;

/** How many names are tried for a snapshot, a second apart. */
const NAMES_MAX = 16;

/** How often something is done anew because others have changed it meanwhile. */
const ATTEMPTS_MAX = 8;

/** A snapshot by its name, which may be used again, and by its chunks' id. */
export interface ObjectId {
  readonly name: string;
  readonly chunkId: string;
}

/** A snapshot as it was seen. */
interface SeenObject {
  readonly meta: ObjectMeta;
  /** The sequence of its metadata. */
  readonly sequence: number;
}

/** The snapshots of one bucket, over one connection. */
export class NamedObjects {
  /**
   * @param stream The bucket's stream.
   * @param bucket The bucket's name.
   */
  constructor(
    private readonly stream: ObjectStream,
    private readonly bucket: string,
  ) {}

  /** @returns The snapshots, in any order. Objects that others have put are none. */
  async list(): Promise<ObjectMeta[]> {
    const names = (await this.stream.subjects(metaSubject(this.bucket)))
      .map(snapshotNameOf).filter((name) => name !== undefined)
      .sort((a, b) => sequenceOf(b)! - sequenceOf(a)!)
      .slice(0, LISTED_MAX);
    const metas: ObjectMeta[] = [];
    for (let at = 0; at < names.length; at += LOOKS_MAX) {
      const some = names.slice(at, at + LOOKS_MAX);
      for (
        const seen of await Promise.all(some.map((one) => this.#look(one)))
      ) {
        if (seen !== undefined) metas.push(seen.meta);
      }
    }
    return metas;
  }

  /** @throws {SnapshotStoreError} If there is none. */
  async find(id: ObjectId): Promise<ObjectMeta> {
    return (await this.#find(id)).meta;
  }

  async #find({ name, chunkId }: ObjectId): Promise<SeenObject> {
    const seen = await this.#look(name);
    if (seen?.meta.chunkId === chunkId) return seen;
    throw new SnapshotStoreError(
      `There is no snapshot ${name} of ${chunkId} in the bucket ${this.bucket}`,
    );
  }

  /** @returns The snapshot that has a name now. */
  async #look(name: string): Promise<SeenObject | undefined> {
    const message = await this.stream.last(metaSubject(this.bucket, name));
    const meta = message && decodeMeta(message.data);
    if (meta?.name !== name) return undefined;
    return { meta, sequence: message!.sequence };
  }

  /** Makes stored chunks a snapshot, under the first name that is free. */
  async add(
    info: BackupInfo,
    chunkId: string,
    uploaded: Uploaded,
  ): Promise<ObjectMeta> {
    for (const name of namesOf(info)) {
      const meta: ObjectMeta = {
        ...uploaded,
        name,
        bucket: this.bucket,
        chunkId,
        stored: new Date().toISOString(),
        info,
        isVerified: false,
      };
      if (await this.#publish(meta, 0)) return meta;
    }
    throw new SnapshotStoreError(
      `Cannot name the snapshot: ${snapshotName(info, 0)} and ${
        NAMES_MAX - 1
      } names after it are taken`,
    );
  }

  /**
   * @param lastOnSubject The sequence of the metadata that was seen; 0 for none.
   * @returns Whether it was stored: others may have been faster.
   */
  async #publish(meta: ObjectMeta, lastOnSubject: number): Promise<boolean> {
    const subject = metaSubject(this.bucket, meta.name);
    try {
      await this.stream.publish(subject, encodeMeta(meta), { lastOnSubject });
      return true;
    } catch (error) {
      if (isCode(error, WRONG_LAST_SEQUENCE)) return false;
      throw error;
    }
  }

  /** Notes that a snapshot was read back whole. */
  async markVerified(id: ObjectId): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const { meta, sequence } = await this.#find(id);
      if (meta.isVerified) return;
      if (await this.#publish({ ...meta, isVerified: true }, sequence)) return;
    }
    throw this.#restless("mark", id);
  }

  /** Deletes a snapshot; harmless if it is not there. */
  async delete(id: ObjectId): Promise<void> {
    const { name, chunkId } = id;
    if (writerOf(chunkId) === undefined) return;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const seen = await this.#look(name);
      const isThere = seen?.meta.chunkId === chunkId;
      if (isThere) {
        await this.stream.purge(metaSubject(this.bucket, name), seen.sequence);
      }
      if (attempt === 0) {
        await this.stream.purge(chunkSubject(this.bucket, chunkId));
      }
      // Looked at once more: someone may have marked it meanwhile.
      if (!isThere) return;
    }
    throw this.#restless("delete", id);
  }

  /** Deletes what an upload has stored: it may have got a name unseen. */
  async takeBack(info: BackupInfo, chunkId: string): Promise<void> {
    for (const name of namesOf(info)) {
      const seen = await this.#look(name);
      if (seen?.meta.chunkId === chunkId) {
        return await this.delete({ name, chunkId });
      }
      if (seen === undefined) break;
    }
    await this.stream.purge(chunkSubject(this.bucket, chunkId));
  }

  #restless(what: string, { name }: ObjectId): SnapshotStoreError {
    return new SnapshotStoreError(
      `Cannot ${what} the snapshot ${name}: others change it all the time`,
    );
  }
}

/** The names that a snapshot may get, the right one first. */
function namesOf(info: BackupInfo): string[] {
  return Array.from({ length: NAMES_MAX }, (_, i) => snapshotName(info, i));
}
