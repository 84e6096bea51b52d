/**
 * The bucket of snapshots as NATS' object store has it (NATS ADR-20), read with
 * none of the product's own code, and damaged.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Random } from "../support/random.ts";
import { type BrokerClient, LOG_STREAM } from "./broker_client.ts";
import { unlessMissing } from "./broker_error.ts";
import type { Brokers } from "./brokers.ts";
import type { SnapshotWatch } from "./snapshot_watch.ts";

const BUCKET = `${LOG_STREAM}-snapshots`;
const STREAM = `OBJ_${BUCKET}`;

/** The stream that is the bucket. */
export const BUCKET_STREAM = STREAM;

/** The subjects of all chunks, and of all metadata. */
export const CHUNKS = `$O.${BUCKET}.C.`;
export const METAS = `$O.${BUCKET}.M.`;

/** A snapshot as its metadata has it. */
export interface ListedSnapshot {
  readonly name: string;
  readonly chunkId: string;
  readonly chunks: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly sequence: number;
  readonly isVerified: boolean;
}

/** Looks into the bucket, and damages what is there. */
export class SnapshotBucket {
  /** The snapshots that were damaged: the ids of their chunks, and sequences. */
  readonly damaged = new Map<string, number>();
  /** Those that were damaged before anyone has read them. */
  readonly #useless = new Set<string>();

  /**
   * @param brokers Where it is.
   * @param watch Tells who reads what.
   */
  constructor(
    private readonly brokers: Brokers,
    private readonly watch: Pick<SnapshotWatch, "wasRead">,
  ) {}

  /** @returns All snapshots, the newest first. */
  async list(): Promise<ListedSnapshot[]> {
    return await this.brokers.ask(async (client) => {
      const subjects = await subjectsOf(client, METAS);
      const found = await Promise.all(
        subjects.map((subject) =>
          client.message(STREAM, { last_by_subj: subject })
        ),
      );
      return found.filter((one) => one !== undefined)
        .map(({ data }) => parseMeta(data))
        .sort((a, b) => b.sequence - a.sequence);
    });
  }

  /** @returns The ids of chunks that belong to no snapshot. */
  async orphans(): Promise<string[]> {
    const ids = await this.brokers.ask((client) => subjectsOf(client, CHUNKS));
    const taken = new Set((await this.list()).map(({ chunkId }) => chunkId));
    return ids.map((subject) => subject.slice(CHUNKS.length))
      .filter((id) => !taken.has(id));
  }

  /**
   * Reads a snapshot.
   *
   * @throws {Error} If a chunk is missing, or its check sum is wrong.
   */
  async read(snapshot: ListedSnapshot): Promise<Uint8Array<ArrayBuffer>> {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    const hash = createHash("sha256");
    for (let from = 1;;) {
      const chunk = await this.#chunk(snapshot, from);
      if (chunk === undefined) break;
      from = chunk.sequence + 1;
      hash.update(chunk.data);
      parts.push(chunk.data);
    }
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    const sha256 = hash.digest("base64url");
    if (
      parts.length !== snapshot.chunks || bytes.length !== snapshot.bytes ||
      snapshot.sha256.replace(/=+$/, "") !== `SHA-256=${sha256}`
    ) {
      throw new Error(
        `the snapshot ${snapshot.name} has ${parts.length} chunks of ${snapshot.chunks} and ${bytes.length} bytes of ${snapshot.bytes}`,
      );
    }
    return bytes;
  }

  #chunk({ chunkId }: ListedSnapshot, from: number) {
    return this.brokers.ask((client) =>
      client.message(STREAM, { seq: from, next_by_subj: CHUNKS + chunkId })
    );
  }

  /**
   * Damages the newest snapshot that may have been read back: whoever uses it
   * has to find that out.
   *
   * @returns Whether it did.
   */
  async damageNewest(random: Random): Promise<boolean> {
    const [newest] = await this.list();
    if (newest === undefined || !await this.#isSpare(newest)) return false;
    await this.#damage(newest.chunkId, newest.sequence, random);
    return true;
  }

  /**
   * Damages a snapshot that has just got its name. If nobody had begun to read
   * it, it must never count.
   *
   * @returns Whether it did.
   */
  async damageNew(chunkId: string, random: Random): Promise<boolean> {
    const snapshot = (await this.list()).find((one) => one.chunkId === chunkId);
    if (snapshot === undefined || !await this.#isSpare(snapshot)) return false;
    await this.#damage(chunkId, snapshot.sequence, random);
    return true;
  }

  /**
   * Whether its damage must cost nothing: another one that counts, or the log's
   * beginning, is still there, and no other one is damaged.
   */
  async #isSpare({ chunkId }: ListedSnapshot): Promise<boolean> {
    const { firstSequence } = await this.brokers.ask((client) =>
      client.look(LOG_STREAM)
    );
    const others = (await this.list()).filter((one) => one.chunkId !== chunkId);
    return !others.some((one) => this.damaged.has(one.chunkId)) &&
      (firstSequence === 1 || others.some(({ isVerified }) => isVerified));
  }

  async #damage(
    chunkId: string,
    sequence: number,
    random: Random,
  ): Promise<void> {
    // Before it is done: whoever reads it may see it at once.
    this.damaged.set(chunkId, sequence);
    const how = random.below(2);
    await this.brokers.ask((client) => damage(client, chunkId, how));
    // Whoever asks from now on gets what is damaged.
    const isSure = await this.brokers.flush();
    if (isSure && !this.watch.wasRead(chunkId)) this.#useless.add(chunkId);
  }

  /** @returns The names of snapshots that can't have been read back whole, and count. */
  falselyVerified(snapshots: readonly ListedSnapshot[]): string[] {
    return snapshots.filter(({ isVerified, chunkId }) =>
      isVerified && this.#useless.has(chunkId)
    ).map(({ name }) => name);
  }
}

/** @param how 0 for a chunk that goes, 1 for one that changes. */
async function damage(
  client: BrokerClient,
  chunkId: string,
  how: number,
): Promise<void> {
  const subject = CHUNKS + chunkId;
  const chunk = await client.message(STREAM, { last_by_subj: subject });
  // It was deleted meanwhile, or a first attempt had no answer.
  if (chunk === undefined) return;
  await client.deleteMessage(STREAM, chunk.sequence);
  if (how === 0) return;
  chunk.data[chunk.data.length >> 1] ^= 1;
  await client.store(subject, chunk.data);
}

async function subjectsOf(
  client: BrokerClient,
  prefix: string,
): Promise<readonly string[]> {
  // It is made when the first snapshot is.
  const view = await unlessMissing(client.look(STREAM, `${prefix}>`));
  return view?.subjects ?? [];
}

function parseMeta(data: Uint8Array): ListedSnapshot {
  const meta = JSON.parse(new TextDecoder().decode(data));
  return {
    name: meta.name,
    chunkId: meta.nuid,
    chunks: meta.chunks,
    bytes: meta.size,
    sha256: meta.digest,
    sequence: JSON.parse(meta.metadata.backup).sequence,
    isVerified: meta.metadata.verified === "true",
  };
}
