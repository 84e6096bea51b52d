/**
 * What a bucket says of a snapshot: the metadata of its object, in the format
 * of NATS' object store (NATS ADR-20). It does no I/O.
 *
 * @module
 */
import * as z from "zod";
import {
  type BackupInfo,
  backupInfoJson,
  parseBackupInfoJson,
} from "../../snapshot/format/backup_info.ts";
import { writerOf } from "./object_names.ts";

/** How large a chunk is at most: as in all libraries of the object store. */
export const CHUNK_BYTES = 128 * 1024;

const decoder = new TextDecoder();

const count = z.int().min(0);

/** Others may put objects too; those are left alone. */
const MetaSchema = z.object({
  name: z.string(),
  bucket: z.string(),
  nuid: z.string().refine((id) => writerOf(id) !== undefined),
  size: count,
  chunks: count,
  digest: z.string(),
  mtime: z.string(),
  deleted: z.literal(false).optional(),
  metadata: z.object({
    backup: z.string(),
    verified: z.literal("true").optional(),
  }),
});

/** A snapshot in the bucket. */
export interface ObjectMeta {
  readonly name: string;
  readonly bucket: string;
  /** Names its chunks. */
  readonly chunkId: string;
  readonly bytes: number;
  readonly chunks: number;
  /** `SHA-256=` and the hash of its bytes in padded base64url. */
  readonly digest: string;
  /** When it was stored, by the clock of the replica that wrote it. */
  readonly stored: string;
  readonly info: BackupInfo;
  readonly isVerified: boolean;
}

/** @returns What stands in the digest of an object. */
export function digestText(sha256: Uint8Array): string {
  return `SHA-256=${sha256.toBase64({ alphabet: "base64url" })}`;
}

/** @returns The message that says it. */
export function encodeMeta(meta: ObjectMeta): string {
  return JSON.stringify({
    name: meta.name,
    description: "",
    options: { max_chunk_size: CHUNK_BYTES },
    metadata: {
      backup: backupInfoJson(meta.info),
      ...(meta.isVerified && { verified: "true" }),
    },
    bucket: meta.bucket,
    nuid: meta.chunkId,
    size: meta.bytes,
    chunks: meta.chunks,
    mtime: meta.stored,
    digest: meta.digest,
    deleted: false,
  });
}

/** @returns What a message says; undefined if it is no snapshot of a replica's. */
export function decodeMeta(data: Uint8Array): ObjectMeta | undefined {
  try {
    const meta = MetaSchema.parse(JSON.parse(decoder.decode(data)));
    return {
      name: meta.name,
      bucket: meta.bucket,
      chunkId: meta.nuid,
      bytes: meta.size,
      chunks: meta.chunks,
      digest: meta.digest,
      stored: meta.mtime,
      info: parseBackupInfoJson(meta.metadata.backup),
      isVerified: meta.metadata.verified !== undefined,
    };
  } catch {
    return undefined;
  }
}

/** @returns The id of an object's chunks, whoever has put it. */
export function chunkIdIn(data: Uint8Array): string | undefined {
  try {
    return JSON.parse(decoder.decode(data)).nuid;
  } catch {
    return undefined;
  }
}
