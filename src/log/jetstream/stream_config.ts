/**
 * How the JetStream stream of a cluster has to be set.
 *
 * @module
 */
import { ENTRY_BYTES_MAX } from "../entry_payload.ts";
import { identityDescription } from "./log_identity.ts";
import { SILENCE_MAX_MS } from "./liveness.ts";
import { entrySubjects, subjectPrefix } from "./subjects.ts";

/** How long JetStream remembers message ids: longer than any retry. */
const DUPLICATE_WINDOW_MS = 120_000;

/** The most bytes of an entry's headers: its message id and its stream's name. */
export const HEADER_BYTES_MAX = 1024;

/** The least `max_payload` of a server: an entry has to fit, with its headers. */
export const PAYLOAD_BYTES_MIN = ENTRY_BYTES_MAX + HEADER_BYTES_MAX;

/** A consumer that nobody listens to is gone after this. */
export const CONSUMER_INACTIVE_MS = 10 * SILENCE_MAX_MS;

/** What of a stream's configuration matters here. */
export interface StreamConfig {
  readonly name: string;
  readonly description?: string;
  readonly subjects?: readonly string[];
  readonly storage: string;
  readonly retention: string;
  /** On how many servers it is kept. */
  readonly num_replicas: number;
  /** In nanoseconds. */
  readonly duplicate_window: number;
  /** In nanoseconds. */
  readonly max_age?: number;
  readonly max_bytes?: number;
  readonly max_msgs?: number;
  readonly discard?: string;
  readonly max_msg_size?: number;
  readonly no_ack?: boolean;
  readonly deny_purge?: boolean;
  /** Left out if what is confirmed is in its file. */
  readonly persist_mode?: string;
  readonly consumer_limits?: {
    /** The longest that a consumer may ask for, in nanoseconds. */
    readonly inactive_threshold?: number;
  };
  readonly sealed?: boolean;
  readonly max_msgs_per_subject?: number;
  readonly subject_transform?: unknown;
}

/**
 * @param stream The stream's name.
 * @param replicas On how many servers it is kept.
 * @param id The new log's identity.
 * @returns The configuration with which a stream is made.
 */
export function newStreamConfig(
  stream: string,
  replicas: number,
  id: string,
) {
  return {
    name: stream,
    description: identityDescription(id),
    subjects: [entrySubjects(stream)],
    storage: "file",
    retention: "limits",
    discard: "old",
    num_replicas: replicas,
    duplicate_window: DUPLICATE_WINDOW_MS * 1_000_000,
    // An entry that is deleted in the middle stops every replica that needs it.
    deny_delete: true,
  };
}

/**
 * @param config The configuration of a stream that is there.
 * @param stream Its name.
 * @param commitTimeout_ms How long a proposal is retried.
 * @returns What is wrong with it and what to do; undefined if nothing is.
 */
export function settingsProblem(
  config: StreamConfig,
  stream: string,
  commitTimeout_ms: number,
): string | undefined {
  const problems = problemsOf(config, stream, commitTimeout_ms);
  if (problems.length === 0) return undefined;
  return `Cannot use the stream ${stream}: ${
    problems.join("; ")
  }. Edit it, or set another NATS_STREAM`;
}

/**
 * Why a stream takes no entries of version 2, fences among them, and what to do;
 * undefined if it does. Some that were made by hand take version 1 alone.
 */
export function version2Problem(
  { name, subjects = [] }: StreamConfig,
): string | undefined {
  const wanted = entrySubjects(name);
  const takes = subjects.includes(wanted) ||
    subjects.includes(`${subjectPrefix(name)}.>`);
  return takes
    ? undefined
    : `the subjects of the stream ${name} are [${
      subjects.join(", ")
    }], which leaves out entries of version 2: run "nats stream edit ${name} --subjects '${wanted}'"`;
}

/**
 * Why a stream can't be cut or moved, and what to do; undefined if it can. It
 * can be used all the same.
 */
export function purgeProblem(
  { name, deny_purge }: StreamConfig,
): string | undefined {
  return deny_purge
    ? `the stream ${name} has deny_purge, which can't be undone: delete the stream while replicas run that have applied all of it, and they make it again without that`
    : undefined;
}

/** What is wrong with the settings, with what they should be. */
function problemsOf(
  config: StreamConfig,
  stream: string,
  commitTimeout_ms: number,
): string[] {
  const problems: string[] = [];
  const subjects = config.subjects ?? [];
  const allowed = [
    entrySubjects(stream),
    `${subjectPrefix(stream)}.v1.set.*`,
    `${subjectPrefix(stream)}.>`,
  ];
  if (subjects.length !== 1 || !allowed.includes(subjects[0])) {
    problems.push(
      `its subjects are [${subjects.join(", ")}] and should be [${allowed[0]}]`,
    );
  }
  const must = (name: "storage" | "retention", wanted: string) => {
    if (config[name] !== wanted) {
      problems.push(`its ${name} is ${config[name]} and should be ${wanted}`);
    }
  };
  must("storage", "file");
  must("retention", "limits");
  if (config.duplicate_window <= commitTimeout_ms * 1_000_000) {
    problems.push(
      `its duplicate_window is ${
        config.duplicate_window / 1_000_000
      } ms and should be longer than COMMIT_TIMEOUT_MS, ${commitTimeout_ms}`,
    );
  }
  const size = config.max_msg_size ?? -1;
  if (size > 0 && size < PAYLOAD_BYTES_MIN) {
    problems.push(
      `its max_msg_size is ${size} and should be at least ${PAYLOAD_BYTES_MIN}`,
    );
  }
  if (config.persist_mode === "async") {
    problems.push(
      "its persist_mode is async, which can't be undone, and with which NATS loses what it has confirmed when it is killed",
    );
  }
  const inactive_ms = (config.consumer_limits?.inactive_threshold ?? 0) / 1e6;
  if (inactive_ms > 0 && inactive_ms < CONSUMER_INACTIVE_MS) {
    problems.push(
      `its consumer_limits.inactive_threshold is ${inactive_ms} ms and should be at least ${CONSUMER_INACTIVE_MS}`,
    );
  }
  if (config.no_ack) problems.push("it has no_ack, and acks are needed");
  if (config.sealed) problems.push("it is sealed, which can't be undone");
  if ((config.max_msgs_per_subject ?? -1) > 0) {
    problems.push(
      "it has max_msgs_per_subject, which takes entries out of the middle",
    );
  }
  if (config.subject_transform) {
    problems.push(
      "it has a subject_transform, after which entries can't be recognized",
    );
  }
  return problems;
}
