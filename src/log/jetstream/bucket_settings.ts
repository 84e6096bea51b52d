/**
 * How the stream of a bucket has to be set, so that what was read back whole
 * stays. It does no I/O.
 *
 * @module
 */
import { bucketStream } from "./object_names.ts";
import type { BucketConfig } from "./object_stream.ts";

/**
 * @returns What is wrong with the settings of a bucket and what to do;
 * undefined if nothing is.
 */
export function bucketProblem(
  config: BucketConfig,
  bucket: string,
): string | undefined {
  const problems = [...problemsOf(config)];
  if (problems.length === 0) return undefined;
  return `Cannot keep snapshots in the bucket ${bucket}: ${
    problems.join("; ")
  }. Edit its stream ${bucketStream(bucket)}`;
}

function* problemsOf(config: BucketConfig): Generator<string> {
  if (config.storage !== "file") {
    yield `its storage is ${config.storage} and should be file`;
  }
  if (config.discard !== "new") {
    yield `its discard is ${config.discard} and should be new: a full bucket would take snapshots away`;
  }
  if (config.persist_mode === "async") {
    yield "its persist_mode is async, with which NATS loses what it has confirmed when it is killed";
  }
  if ((config.max_age ?? 0) > 0) {
    yield "it has max_age, which takes snapshots away";
  }
  if ((config.max_msgs_per_subject ?? -1) > 0) {
    yield "it has max_msgs_per_subject, which takes chunks away";
  }
  if (!config.allow_rollup_hdrs) yield "it does not allow_rollup_hdrs";
  if (config.deny_purge) yield "it has deny_purge, and old snapshots must go";
  if (config.sealed) yield "it is sealed, which can't be undone";
}
