/**
 * The errors of a store of snapshots on their way from the other thread.
 *
 * @module
 */
import { SnapshotDamagedError } from "../../snapshot/snapshot.ts";
import {
  SnapshotsForbiddenError,
  SnapshotStoreError,
} from "../../snapshot/store.ts";
import { CallError } from "./calls.ts";

/** The errors of a store that are told apart, by their names. */
const ERRORS: Record<
  string,
  new (text: string, options: ErrorOptions) => Error
> = {
  SnapshotDamagedError,
  SnapshotsForbiddenError,
};

/** Gives an error of the other thread its class again. */
export async function named<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    if (!(cause instanceof CallError)) throw cause;
    const ErrorClass = ERRORS[cause.errorName] ?? SnapshotStoreError;
    throw new ErrorClass(cause.message, { cause });
  }
}
