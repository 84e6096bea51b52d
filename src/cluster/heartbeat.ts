/**
 * The heartbeat: what a replica tells the other replicas about itself.
 *
 * @module
 */
import {
  boolean,
  integer,
  list,
  matching,
  nullable,
  number,
  type Of,
  pair,
  record,
  text,
  time,
} from "../shape.ts";

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

const sequence = integer(0);
const digest = matching(/^[0-9a-f]{16}$/);
const replicaId = matching(/^[A-Za-z0-9_-]{1,64}$/);

const isHeartbeat = record({
  replica_id: replicaId,
  session: matching(/^[0-9a-f]{32}$/),
  version: text(1, 32),
  // A later version may know more states.
  state: matching(/^[a-z_]{1,32}$/),
  reason: text(0, REASON_CHARACTERS_MAX),
  log_id: nullable(text(1, 256)),
  applied_sequence: sequence,
  last_sequence: sequence,
  users: integer(0),
  digest,
  restore: nullable(
    record({ rows: integer(0), percent: number(0, 100) }, {}),
  ),
  checkpoints: list(pair(sequence, digest), 0, HEARTBEAT_CHECKPOINTS_MAX),
}, {
  heals: integer(0),
  healed_to: nullable(sequence),
  asks: boolean,
  hears: list(replicaId, 0, HEARTBEAT_HEARS_MAX),
  seams: record({
    since: sequence,
    count: integer(1),
    points: list(pair(sequence, time), 1, HEARTBEAT_SEAMS_MAX),
  }, {}),
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
export type Heartbeat = Of<typeof isHeartbeat>;

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
 * @param id The replica id in the subject of the message.
 * @param bytes The message, which anyone may have sent.
 * @returns The heartbeat.
 * @throws {InvalidHeartbeatError} If it is too large or malformed, or if it
 * names another replica than its subject.
 */
export function parseHeartbeat(
  id: string,
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
  if (!isHeartbeat(value)) {
    throw new InvalidHeartbeatError(
      "Cannot read a heartbeat: a field is missing or wrong",
    );
  }
  if (value.replica_id !== id) {
    throw new InvalidHeartbeatError(
      "Cannot read a heartbeat: its subject names another replica",
    );
  }
  return value;
}
