/**
 * The heartbeat: what a replica tells the other replicas about itself.
 *
 * @module
 */
import * as z from "zod";

/** The most bytes of a heartbeat; a replica never sends more. */
export const HEARTBEAT_BYTES_MAX = 4096;

/** The most checkpoints in a heartbeat. */
export const HEARTBEAT_CHECKPOINTS_MAX = 8;

/** The most seams in a heartbeat: the newest. */
export const HEARTBEAT_SEAMS_MAX = 8;

/** The most other replicas that a heartbeat names. */
export const HEARTBEAT_HEARS_MAX = 16;

/** The most characters of a heartbeat's reason. */
const REASON_CHARACTERS_MAX = 200;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

const sequence = z.int().min(0);
const digest = z.string().regex(/^[0-9a-f]{16}$/);
const name = z.string().min(1).max(256);

const replicaId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

const HeartbeatSchema = z.object({
  replica_id: replicaId,
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
    .max(HEARTBEAT_CHECKPOINTS_MAX),
  heals: z.int().min(0).optional(),
  healed_to: sequence.nullable().optional(),
  asks: z.boolean().optional(),
  hears: z.array(replicaId).max(HEARTBEAT_HEARS_MAX).optional(),
  seams: z.object({
    since: sequence,
    count: z.int().min(1),
    points: z.array(z.tuple([sequence, z.iso.datetime()])).min(1)
      .max(HEARTBEAT_SEAMS_MAX),
  }).optional(),
});

/**
 * What a replica says about itself at one moment. `session` changes with each
 * start of the replica; `checkpoints` are sequences with the digest at each.
 *
 * `heals` says how many heal points its state has, which replicas that don't heal
 * logs leave out, and `healed_to` the sequence of the newest. All of 1.x before
 * 1.3 leave out both. `asks`: all that hear it answer at once. `hears`: the ids
 * of the others that are there and have a state, told by a replica that may
 * propose to its log, and by no other. `seams` are the newest of its state, as a
 * backup tells them.
 */
export type Heartbeat = z.infer<typeof HeartbeatSchema>;

/** Bytes that are not a replica's heartbeat. */
export class InvalidHeartbeatError extends TypeError {
  override name = "InvalidHeartbeatError";
}

/** @returns The heartbeat as bytes, its reason cut to the allowed length. */
export function encodeHeartbeat(
  heartbeat: Heartbeat,
): Uint8Array<ArrayBuffer> {
  const reason = heartbeat.reason.slice(0, REASON_CHARACTERS_MAX);
  return encoder.encode(JSON.stringify({ ...heartbeat, reason }));
}

/**
 * @param replicaId The replica id in the subject of the message.
 * @param bytes The message, which anyone may have sent.
 * @returns The heartbeat.
 * @throws {InvalidHeartbeatError} If it is too large or malformed, or if it
 * names another replica than its subject.
 */
export function parseHeartbeat(
  replicaId: string,
  bytes: Uint8Array,
): Heartbeat {
  if (bytes.length > HEARTBEAT_BYTES_MAX) {
    throw new InvalidHeartbeatError(
      `Cannot read a heartbeat: it has more than ${HEARTBEAT_BYTES_MAX} bytes`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw new InvalidHeartbeatError(
      "Cannot read a heartbeat: it is not JSON",
      { cause },
    );
  }
  const result = HeartbeatSchema.safeParse(value);
  if (!result.success) {
    throw new InvalidHeartbeatError(
      "Cannot read a heartbeat: a field is missing or wrong",
      { cause: result.error },
    );
  }
  if (result.data.replica_id !== replicaId) {
    throw new InvalidHeartbeatError(
      "Cannot read a heartbeat: its subject names another replica",
    );
  }
  return result.data;
}
