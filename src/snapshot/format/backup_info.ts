/**
 * What a backup says of itself: a line of JSON in its gzip header.
 *
 * Format 2 keeps it in the extra field. Format 1 kept it in the comment, which
 * makes DuckDB refuse the file; its files are read like those of format 2.
 *
 * @module
 */
import * as z from "zod";
import type { SnapshotInfo } from "../snapshot.ts";
import { BackupError } from "./backup_error.ts";
import type { GzipHeader } from "./gzip_header.ts";

const FORMAT = "usergrade-backup/2";
const FORMAT_1 = "usergrade-backup/1";

/** The id of the subfield of gzip's extra field that holds the JSON. */
const SUBFIELD = "UG";

const sequence = z.int().min(0);
const digest = z.string().regex(/^[0-9a-f]{16}$/);

/** The most heal points in a header that are read: they have to fit in it. */
const HEAL_POINTS_READ_MAX = 256;

const HealPointsSchema = z.object({
  count: z.int().min(1),
  points: z.array(z.object({ sequence, digest })).min(1)
    .max(HEAL_POINTS_READ_MAX),
});

/** The most seams in a header that are read: they have to fit in it. */
const SEAMS_READ_MAX = 256;

const SeamsSchema = z.object({
  since: sequence,
  count: z.int().min(1),
  points: z.array(z.tuple([sequence, z.iso.datetime()])).min(1)
    .max(SEAMS_READ_MAX),
});

const BackupInfoSchema = z.object({
  format: z.enum([FORMAT, FORMAT_1]),
  time: z.iso.datetime(),
  log_id: z.string().min(1),
  sequence,
  sequence_time: z.iso.datetime().nullable(),
  rows: sequence,
  digest: digest.optional(),
  heals: HealPointsSchema.optional(),
  seams: SeamsSchema.optional(),
});

/** What a backup says of itself. */
export interface BackupInfo extends SnapshotInfo {
  /** When the file was made: RFC 3339, UTC, with milliseconds. */
  readonly made: string;
}

/** @returns What a backup is of: all but when it was made. */
export function snapshotInfo({ made: _, ...info }: BackupInfo): SnapshotInfo {
  return info;
}

/** @returns The name of a backup's file, without `.gz`. */
export function backupName({ made, sequence }: BackupInfo): string {
  const compact = made.slice(0, 19).replace(/[-:]/g, "");
  return `usergrades-${compact}Z-${sequence}.csv`;
}

/** @returns The name of a backup's file. */
export function fileName(info: BackupInfo): string {
  return `${backupName(info)}.gz`;
}

/** Whether a file with this header means to be a backup, damaged or not. */
export function isBackupHeader(
  { extra, comment }: Pick<GzipHeader, "extra" | "comment">,
): boolean {
  return extra.has(SUBFIELD) || comment.includes('"usergrade-backup/');
}

/** @returns All of it as one line of ASCII JSON. */
export function backupInfoJson(info: BackupInfo): string {
  return toAscii(JSON.stringify({
    format: FORMAT,
    time: info.made,
    log_id: info.logId,
    sequence: info.sequence,
    sequence_time: info.time,
    rows: info.rows,
    digest: info.digest,
    heals: info.heals && {
      count: info.heals.count,
      // In one order, so that equal ones have the same text.
      points: info.heals.points.map(({ sequence, digest }) => ({
        sequence,
        digest,
      })),
    },
    seams: info.seams && {
      since: info.seams.since,
      count: info.seams.count,
      points: info.seams.points,
    },
  }));
}

/** @returns The gzip header that says all of it. */
export function backupHeader(info: BackupInfo): GzipHeader {
  return {
    modified_s: Math.floor(Date.parse(info.made) / 1000),
    name: backupName(info),
    extra: new Map([[SUBFIELD, backupInfoJson(info)]]),
    comment: "",
  };
}

/** Escapes what is not ASCII in JSON. */
function toAscii(json: string): string {
  return json.replace(
    /[^\x20-\x7e]/g,
    (character) =>
      "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

/**
 * @param header A gzip header.
 * @returns What it says of the backup.
 * @throws {BackupError} If it does not say it, or contradicts itself: no check
 * sum covers the header, but the sequence stands in it twice.
 */
export function parseBackupInfo(
  { name, extra, comment }: GzipHeader,
): BackupInfo {
  const info = parseBackupInfoJson(extra.get(SUBFIELD) ?? comment);
  if (name !== "" && name !== backupName(info)) {
    throw new BackupError(
      `Cannot read the backup: its name ${name} contradicts the rest of its header`,
    );
  }
  return info;
}

/**
 * @param json What {@linkcode backupInfoJson} has made.
 * @returns What it says of the backup.
 * @throws {BackupError} If it does not say it.
 */
export function parseBackupInfoJson(json: string): BackupInfo {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new BackupError(
      "Cannot read the backup: its gzip header has no metadata of a backup",
      { cause },
    );
  }
  const result = BackupInfoSchema.safeParse(value);
  if (!result.success) {
    const { path, message } = result.error.issues[0];
    throw new BackupError(
      `Cannot read the backup: its gzip header is wrong: ${
        path.join(".")
      } ${message}`,
    );
  }
  const { data } = result;
  return {
    made: data.time,
    logId: data.log_id,
    sequence: data.sequence,
    time: data.sequence_time,
    rows: data.rows,
    digest: data.digest,
    ...(data.heals && { heals: data.heals }),
    ...(data.seams && { seams: data.seams }),
  };
}
