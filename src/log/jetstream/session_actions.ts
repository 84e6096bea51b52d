/**
 * What a session wants done: all that the decisions in `session.ts` ask of the
 * NATS library, and what they tell the log's users.
 *
 * @module
 */
import type { EntryVersion } from "../change.ts";
import type { LogInfo, LogLimits, LogStatus } from "../log.ts";
import type { OwnEntry } from "./own_entries.ts";
import type { StreamQuestion } from "./stream_look.ts";

/** Connect to NATS; answered by `connected` or `disconnected`. */
export interface ConnectAction {
  readonly type: "connect";
  readonly attempt: number;
}

/** Look at the stream; answered by `looked` or `failed`. */
export interface LookAction {
  readonly type: "look";
  readonly request: number;
  readonly question: StreamQuestion;
}

/** Make the stream, or find the one that was made meanwhile; answered as `look`. */
export interface MakeStreamAction {
  readonly type: "make_stream";
  readonly request: number;
  /** The new log's identity. */
  readonly id: string;
}

/**
 * Give the stream, which has had no entry, another identity; answered as `look`.
 */
export interface RenameStreamAction {
  readonly type: "rename_stream";
  readonly request: number;
  readonly id: string;
}

/**
 * Start a consumer in the place of the one before; answered by
 * `consumer_started` or `failed`. It gives nothing before it is taken.
 */
export interface StartConsumerAction {
  readonly type: "start_consumer";
  readonly request: number;
  /** The sequence of the first entry wanted. */
  readonly first: number;
}

/** Take the messages of the consumer that was started. */
export interface TakeConsumerAction {
  readonly type: "take_consumer";
}

/** Take no more messages of the consumer. */
export interface StopConsumerAction {
  readonly type: "stop_consumer";
}

/** The number that stands for a probe in the place of a batch. */
export const PROBE_BATCH = 0;

/** Publish a batch or a probe; a refusal is answered by `refused`. */
export interface PublishAction {
  readonly type: "publish";
  readonly batch: number;
  readonly messageId: string;
  readonly payload: Uint8Array<ArrayBuffer>;
  /** The version of the payload, and so the subject. */
  readonly version: EntryVersion;
  /** Which seam of this session it may be; left out once that one is made. */
  readonly seam?: number;
  /** The stream is to take it only directly after this entry. */
  readonly after?: number;
  /** When the log took that entry; left out if it is not known. */
  readonly afterTime?: string;
  /**
   * The stream is to take it only if this is its last entry on that subject of
   * the replica's: a stream that has lost entries must not be written past.
   */
  readonly lastOwn?: OwnEntry;
}

/** Write the log's identity into the stream's description again. */
export interface WriteIdentityAction {
  readonly type: "write_identity";
  readonly id: string;
}

/** The log's status has changed. */
export interface StatusAction {
  readonly type: "status";
  readonly status: LogStatus;
}

/** What the log has and takes may be another now. */
export interface LimitsAction {
  readonly type: "limits";
  readonly limits: LogLimits;
}

/**
 * Hear what the other replicas have applied; answered by `others_heard`. Nothing
 * is published before that.
 */
export interface HearOthersAction {
  readonly type: "hear_others";
  /** One more each time: only the answer to the last one counts. */
  readonly hearing: number;
}

/** Whether the log is there. */
export interface FoundAction {
  readonly type: "found";
  /** Undefined if there is no such stream. */
  readonly info: LogInfo | undefined;
}

/** The log is open. */
export interface OpenedAction {
  readonly type: "opened";
  readonly info: LogInfo;
}

/**
 * The log is not opened: it was not there when it was looked for, and that was
 * too long ago to make it. It is to be looked for again before it is opened.
 */
export interface FindAgainAction {
  readonly type: "find_again";
}

/** What is asked of NATS about the stream; each has one answer. */
export type StreamRequest =
  | LookAction
  | MakeStreamAction
  | RenameStreamAction
  | StartConsumerAction;

/** All that a session wants done. */
export type SessionAction =
  | ConnectAction
  | StreamRequest
  | TakeConsumerAction
  | StopConsumerAction
  | PublishAction
  | WriteIdentityAction
  | StatusAction
  | LimitsAction
  | HearOthersAction
  | FoundAction
  | OpenedAction
  | FindAgainAction;
