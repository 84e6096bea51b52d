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
import { withClass } from "./calls.ts";

/** The errors of a store that are told apart. */
const ERRORS = [SnapshotDamagedError, SnapshotsForbiddenError];

/** Gives an error of the other thread its class again. */
export function named<T>(call: Promise<T>): Promise<T> {
  return withClass(call, ERRORS, SnapshotStoreError);
}
