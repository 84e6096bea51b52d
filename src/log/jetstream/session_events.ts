/**
 * What happens to a session: all that the decisions in `session.ts` get from the
 * NATS library and from the log's users.
 *
 * @module
 */
import type { StreamLook } from "./stream_look.ts";

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
  /** Whether a server has refused this replica. */
  readonly isRefused: boolean;
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

/**
 * The log is wanted, and made if it is not there; answered by `opened` or
 * `find_again`.
 */
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
