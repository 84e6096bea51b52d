/**
 * What happens to a session, and what it wants done: all that passes between
 * the decisions in `session.ts` and the NATS library.
 *
 * @module
 */
import type { EntryVersion } from "../change.ts";
import type { LogInfo, LogLimits, LogStatus } from "../log.ts";
import type { OwnEntry } from "./own_entries.ts";
import type { StreamLook, StreamQuestion } from "./stream_look.ts";

/** NATS is connected; the answer to `connect`. */
export interface Connected {
  readonly type: "connected";
  readonly attempt: number;
  /** The server's id: another one each time that it is started. */
  readonly serverId: string;
  /** Its version, as in "2.9.10"; left out if it is not known. */
  readonly serverVersion?: string;
}

/** The attempt failed, or the connection is lost. */
export interface Disconnected {
  readonly type: "disconnected";
  readonly attempt: number;
  readonly reason: string;
}

/** The answer to `look` and to `make_stream`. */
export interface Looked {
  readonly type: "looked";
  readonly request: number;
  /** Undefined if there is no such stream. */
  readonly look: StreamLook | undefined;
}

/** The answer to `start_consumer`. */
export interface ConsumerStarted {
  readonly type: "consumer_started";
  readonly request: number;
  /** The server that it is on; left out where servers do not know of each other. */
  readonly server?: string;
}

/** A request has no answer. */
export interface Failed {
  readonly type: "failed";
  readonly request: number;
  readonly reason: string;
}

/** An answer to a batch, or to a probe, says that the stream refused it. */
export interface Refused {
  readonly type: "refused";
  /** The batch; {@linkcode PROBE_BATCH} for a probe. */
  readonly batch: number;
  readonly reason: string;
}

/** A batch could not be sent. */
export interface Unsent {
  readonly type: "unsent";
  readonly batch: number;
  readonly reason: string;
}

/** The server does not allow to publish to a subject. */
export interface Forbidden {
  readonly type: "forbidden";
  readonly subject: string;
}

/** The server complained of something else. */
export interface Complained {
  readonly type: "complained";
  readonly reason: string;
}

/** It is wanted whether the log is there; answered by `found`. */
export interface Find {
  readonly type: "find";
}

/** The log is wanted, and made if it is not there; answered by `opened`. */
export interface Open {
  readonly type: "open";
  /** The identity of a log that is made now, or that has had no entry yet. */
  readonly id?: string | undefined;
}

/**
 * Entries are wanted from now on. Again, if the replica has gone on from a
 * snapshot: then no others are, and no batch from before is heard of any more.
 */
export interface Consume {
  readonly type: "consume";
  readonly after: number;
  /** When the log took entry `after`, if that is known. */
  readonly time: string | null;
}

/** Old entries were let go of. */
export interface Trimmed {
  readonly type: "trimmed";
}

/** The answer to `hear_others`. */
export interface OthersHeard {
  readonly type: "others_heard";
  readonly hearing: number;
}

/** Something was done to the stream, to make it whole, or it was found to be. */
export interface Healed {
  readonly type: "healed";
}

/** The log is not needed any more. */
export interface Close {
  readonly type: "close";
}

/** All events of a session. */
export type SessionEvent =
  | Connected
  | Disconnected
  | Looked
  | ConsumerStarted
  | Failed
  | Refused
  | Unsent
  | Forbidden
  | Complained
  | Find
  | Open
  | Consume
  | Trimmed
  | OthersHeard
  | Healed
  | Close;

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

/** All that a session wants done. */
export type SessionAction =
  | ConnectAction
  | LookAction
  | MakeStreamAction
  | RenameStreamAction
  | StartConsumerAction
  | TakeConsumerAction
  | StopConsumerAction
  | PublishAction
  | WriteIdentityAction
  | StatusAction
  | LimitsAction
  | HearOthersAction
  | FoundAction
  | OpenedAction;
