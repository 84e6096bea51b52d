/**
 * What a replica announces of itself to the others of its cluster.
 *
 * @module
 */
import * as z from "zod";

/** The most bytes of an announcement: what is larger is a stranger's. */
export const ANNOUNCEMENT_BYTES_MAX = 4096;

/** The most checkpoints in an announcement. */
export const ANNOUNCED_CHECKPOINTS_MAX = 8;

/** The most characters of the reason that an announcement gives. */
const REASON_CHARACTERS_MAX = 200;

const sequence = z.int().min(0);
const digest = z.string().regex(/^[0-9a-f]{16}$/);
const name = z.string().min(1).max(256);

const AnnouncementSchema = z.object({
  replica_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  session: z.string().regex(/^[0-9a-f]{32}$/),
  version: z.string().min(1).max(32),
  // A later version may know more states.
  state: z.string().regex(/^[a-z_]{1,32}$/),
  reason: z.string().max(REASON_CHARACTERS_MAX),
  log_id: name.nullable(),
  applied_sequence: sequence,
  last_sequence: sequence,
  users: z.int().min(0),
  digest,
  restore: z.object({
    rows: z.int().min(0),
    percent: z.number().min(0).max(100),
  }).nullable(),
  checkpoints: z.array(z.tuple([sequence, digest]))
    .max(ANNOUNCED_CHECKPOINTS_MAX),
});

/**
 * What a replica says of itself, at one moment. `session` is another one after
 * each start; `checkpoints` are sequences with the digest at each.
 */
export type Announcement = z.infer<typeof AnnouncementSchema>;

/** An announcement that no replica of ours has made. */
export class InvalidAnnouncementError extends TypeError {
  override name = "InvalidAnnouncementError";
}

/** @returns The announcement's bytes, its reason cut to what is allowed. */
export function encodeAnnouncement(
  announcement: Announcement,
): Uint8Array<ArrayBuffer> {
  const reason = announcement.reason.slice(0, REASON_CHARACTERS_MAX);
  return new TextEncoder().encode(JSON.stringify({ ...announcement, reason }));
}

/**
 * @param replicaId Whose subject it came on.
 * @param bytes An announcement, from anyone.
 * @returns What it says.
 * @throws {InvalidAnnouncementError} If it is too large, malformed, or says
 * that it is another replica's than its subject does.
 */
export function parseAnnouncement(
  replicaId: string,
  bytes: Uint8Array,
): Announcement {
  if (bytes.length > ANNOUNCEMENT_BYTES_MAX) {
    throw new InvalidAnnouncementError(
      `Cannot read an announcement: it has more than ${ANNOUNCEMENT_BYTES_MAX} bytes`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new InvalidAnnouncementError(
      "Cannot read an announcement: it is not JSON",
      { cause },
    );
  }
  const result = AnnouncementSchema.safeParse(value);
  if (!result.success) {
    throw new InvalidAnnouncementError(
      "Cannot read an announcement: it is not of a replica",
      { cause: result.error },
    );
  }
  if (result.data.replica_id !== replicaId) {
    throw new InvalidAnnouncementError(
      "Cannot read an announcement: its subject names another replica",
    );
  }
  return result.data;
}
