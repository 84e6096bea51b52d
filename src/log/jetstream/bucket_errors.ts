/**
 * What keeps a bucket from being used, in words for an operator.
 *
 * @module
 */
import { NatsError } from "nats";
import { SnapshotDamagedError } from "../../snapshot/snapshot.ts";
import {
  SnapshotsForbiddenError,
  SnapshotStoreError,
} from "../../snapshot/store.ts";
import { ApiError, ForbiddenError } from "./api.ts";
import { describe } from "./connection.ts";

/** JetStream's error codes that an operator can do something about. */
const REMEDIES: Record<number, string> = {
  10023: "Give JetStream more room, or delete what is not needed",
  10047: "Give JetStream more room, or delete what is not needed",
  10054: "Set the max_msg_size of its stream to -1",
  10058: "Edit its stream, or delete it",
  10077:
    "Give its stream and the disk of the NATS servers more room, or delete objects that are not needed",
  10109:
    "Delete its stream, which is sealed, when no replica needs its snapshots",
  10110: "Set deny_purge of its stream to false",
  10111: "Set allow_rollup_hdrs of its stream to true",
};

/**
 * @param error What a question to JetStream has thrown.
 * @returns A {@linkcode SnapshotsForbiddenError} where a permission is missing;
 * else the same.
 */
export function forbiddenOr(error: unknown): unknown {
  if (!(error instanceof ForbiddenError)) return error;
  return new SnapshotsForbiddenError(
    `${error.message}, which snapshots need: give this replica's user the permissions that src/OPERATIONS.md lists`,
    { cause: error },
  );
}

/**
 * @param what What could not be done, as in "list the snapshots".
 * @param bucket Where.
 * @param error What was thrown.
 * @returns What a store of snapshots throws for it.
 */
export function bucketError(
  what: string,
  bucket: string,
  error: unknown,
): unknown {
  const cause = forbiddenOr(error);
  if (
    cause instanceof SnapshotStoreError || cause instanceof SnapshotDamagedError
  ) return cause;
  const reason = cause instanceof NatsError
    ? describe(cause)
    : (cause as Error).message;
  const remedy = cause instanceof ApiError ? REMEDIES[cause.code] : undefined;
  return new SnapshotStoreError(
    `Cannot ${what} in the bucket ${bucket}: ${reason}${
      remedy === undefined ? "" : `. ${remedy}`
    }`,
    { cause },
  );
}
