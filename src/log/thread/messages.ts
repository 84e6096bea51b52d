/**
 * What the main thread and the log worker say to each other. This is all that
 * they share.
 *
 * @module
 */
import type { RowBatch } from "../../storage/row_batch.ts";
import type {
  LogBase,
  LogEntry,
  LogInfo,
  LogLocation,
  LogStatus,
} from "../log.ts";

/** The embedded log. */
export interface SqliteOptions {
  readonly engine: "sqlite";
  /** The folder of its file. */
  readonly directory: string;
}

/** A log on NATS JetStream. */
export interface JetStreamOptions {
  readonly engine: "jetstream";
  /** The servers' URLs. */
  readonly servers: readonly string[];
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** The content of a credentials file. */
  readonly creds?: string | undefined;
  /** The certificate of the authority that the servers' are checked against, in PEM. */
  readonly ca?: string | undefined;
  /** The stream's name. */
  readonly stream: string;
  /** On how many servers a new stream is kept. */
  readonly streamReplicas: number;
  /** Names this replica's subject. */
  readonly replicaId: string;
  /** How long a batch may wait for its commit, in milliseconds. */
  readonly commitTimeout_ms: number;
}

/** How the worker is to open its log. */
export type LogOptions = SqliteOptions | JetStreamOptions;

/** Opens the log; answered by `opened` or `failed`. The first message. */
export interface OpenMessage {
  readonly type: "open";
  readonly options: LogOptions;
}

/** Asks for the rows of the log's own base; answered by `base_rows`, then `base_end`. */
export interface ReadBaseMessage {
  readonly type: "read_base";
}

/** Asks where the log stands; answered by `located`. */
export interface LocateMessage {
  readonly type: "locate";
  readonly sequence: number;
}

/** Asks for all entries after a sequence, in `entries` messages. */
export interface ConsumeMessage {
  readonly type: "consume";
  readonly after: number;
  readonly time: string | null;
}

/**
 * The most `entries` and `base_rows` messages on their way to the main thread:
 * `postMessage` has no back pressure.
 */
export const WINDOW_MESSAGES = 8;

/** Takes some `entries` or `base_rows` messages out of the window. */
export interface TakenMessage {
  readonly type: "taken";
  /** How many, at most half of the window. */
  readonly messages: number;
}

/** Proposes a batch; answered by its entry, or by `proposal_failed`. */
export interface ProposeMessage {
  readonly type: "propose";
  readonly batch: number;
  /** The entry's JSON text. */
  readonly text: string;
}

/** One step of writing a base; answered by `base_written`. */
export interface WriteBaseMessage {
  readonly type: "write_base";
  readonly step:
    | { readonly type: "begin"; readonly base: LogBase }
    | { readonly type: "rows"; readonly rows: RowBatch }
    | { readonly type: "commit" };
}

/** Announces this replica to the others, if that can be done now. */
export interface AnnounceMessage {
  readonly type: "announce";
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Closes the log; answered by `closed`. The last message. */
export interface CloseMessage {
  readonly type: "close";
}

/** All that the main thread says to the worker. */
export type ToLogWorker =
  | OpenMessage
  | ReadBaseMessage
  | LocateMessage
  | ConsumeMessage
  | TakenMessage
  | ProposeMessage
  | WriteBaseMessage
  | AnnounceMessage
  | CloseMessage;

/** The log is open. */
export interface OpenedMessage {
  readonly type: "opened";
  readonly info: LogInfo;
}

/** Some rows of the log's own base. */
export interface BaseRowsMessage {
  readonly type: "base_rows";
  readonly rows: RowBatch;
}

/** The log's own base has no more rows. */
export interface BaseEndMessage {
  readonly type: "base_end";
}

/** Where the log stands. */
export interface LocatedMessage {
  readonly type: "located";
  readonly location: LogLocation;
}

/** The next entries, in order and without a gap. */
export interface EntriesMessage {
  readonly type: "entries";
  readonly entries: LogEntry[];
  /** The sequence of the log's last entry, as far as is known. */
  readonly lastSequence: number;
}

/** The log's status has changed. */
export interface StatusMessage {
  readonly type: "status";
  readonly status: LogStatus;
}

/** The sequence of the log's first entry that is still there may have moved. */
export interface FirstSequenceMessage {
  readonly type: "first_sequence";
  readonly sequence: number;
}

/** A batch did not commit: certainly, or as far as anyone can say. */
export interface ProposalFailedMessage {
  readonly type: "proposal_failed";
  readonly batch: number;
  readonly outcome: "not_stored" | "unknown";
  readonly reason: string;
}

/** A step of writing a base is done, or is not, with the reason. */
export interface BaseWrittenMessage {
  readonly type: "base_written";
  readonly error?: string;
}

/** Something was announced on a replica's subject, by anyone. */
export interface HeardMessage {
  readonly type: "heard";
  readonly replicaId: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Announcements were dropped unread: too large, or too many. */
export interface HeardDroppedMessage {
  readonly type: "heard_dropped";
  readonly count: number;
}

/** No one is heard, or hears this replica, until it is started anew. */
export interface PresenceOffMessage {
  readonly type: "presence_off";
  readonly reason: string;
}

/** The log can't go on: the replica must stop. */
export interface FailedMessage {
  readonly type: "failed";
  readonly reason: string;
}

/** The log is closed. */
export interface ClosedMessage {
  readonly type: "closed";
}

/** All that the worker says to the main thread. */
export type FromLogWorker =
  | OpenedMessage
  | BaseRowsMessage
  | BaseEndMessage
  | LocatedMessage
  | EntriesMessage
  | StatusMessage
  | FirstSequenceMessage
  | ProposalFailedMessage
  | BaseWrittenMessage
  | HeardMessage
  | HeardDroppedMessage
  | PresenceOffMessage
  | FailedMessage
  | ClosedMessage;
