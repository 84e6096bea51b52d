/**
 * What the main thread and the log worker say to each other. This is all that
 * they share, but for the members' port.
 *
 * @module
 */
import type { EntryVersion } from "../change.ts";
import type { JetStreamOptions } from "../jetstream/options.ts";
import type { HealPoint, LogLoss } from "../healable_log.ts";
import type {
  LogEntry,
  LogInfo,
  LogLimits,
  LogLocation,
  LogStatus,
} from "../log.ts";
import type { AnswerMessage, CallFailedMessage, CallMessage } from "./calls.ts";
import type { FileCalls } from "./file_calls.ts";
import type { SnapshotCalls } from "./snapshot_calls.ts";

/** The embedded log. */
export interface SqliteOptions {
  readonly engine: "sqlite";
  /** The folder of its file. */
  readonly directory: string;
}

/** How the worker is to open its log. */
export type LogOptions = SqliteOptions | JetStreamOptions;

/** What keeps a log. */
export type Engine = LogOptions["engine"];

/** How the worker is to reach its log, and where it tells of other replicas. */
export interface OpenArgument {
  readonly options: LogOptions;
  /** The remote end of a members' port. */
  readonly members: MessagePort | undefined;
}

/** What the main thread calls in the worker. */
export type LogCalls = SnapshotCalls & FileCalls & {
  /** Connects to a log that is shared. The first call. */
  connect(argument: OpenArgument): Promise<void>;
  /** Looks whether the log is there; it is not open yet. */
  find(argument: undefined): Promise<LogInfo | undefined>;
  /** Opens the log, or makes it, with an identity if one is wanted. */
  open(id: string | undefined): Promise<LogInfo>;
  /** Looks where the log stands, and when it took an entry. */
  locate(sequence: number): Promise<LogLocation>;
  /** Lets go of the entries before one; `first_sequence` follows. */
  trim(sequence: number): Promise<void>;
  /** The four that heal a log that is shared, as `HealableLog` has them. */
  heal_look(argument: undefined): Promise<LogLoss | undefined>;
  heal_remake(argument: undefined): Promise<void>;
  heal_fence(argument: { point: HealPoint; after: number }): Promise<void>;
  heal_move(point: HealPoint): Promise<void>;
  /** Closes the log. The last call. */
  close(argument: undefined): Promise<void>;
};

/** Loads an engine before it is known how to open its log. The first message. */
export interface PreloadMessage {
  readonly type: "preload";
  readonly engine: Engine;
}

/**
 * Asks for all entries after a sequence, in `entries` messages, instead of those
 * asked for before.
 */
export interface ConsumeMessage {
  readonly type: "consume";
  /** One more each time, to tell these entries from earlier ones. */
  readonly generation: number;
  readonly after: number;
  readonly time: string | null;
}

/** Takes some `entries` messages out of the window. */
export interface TakenMessage {
  readonly type: "taken";
  readonly generation: number;
  readonly messages: number;
}

/** Proposes a batch; answered by its entry, or by `proposal_failed`. */
export interface ProposeMessage {
  readonly type: "propose";
  readonly batch: number;
  /** The entry's JSON text. */
  readonly text: string;
  readonly version: EntryVersion;
}

/** What the other replicas have applied is known: the answer to `hear_others`. */
export interface OthersHeardMessage {
  readonly type: "others_heard";
  readonly hearing: number;
}

/** All that the main thread says to the worker. */
export type ToLogWorker =
  | PreloadMessage
  | CallMessage
  | ConsumeMessage
  | TakenMessage
  | ProposeMessage
  | OthersHeardMessage;

/** The next entries, in order and without a gap. */
export interface EntriesMessage {
  readonly type: "entries";
  /** That of the message that asked for them. */
  readonly generation: number;
  readonly entries: LogEntry[];
  /** How many bytes they have in the log, as the engine counts them. */
  readonly bytes: number;
  /** The sequence of the log's last entry, as far as is known. */
  readonly lastSequence: number;
}

/** The log's status has changed. */
export interface StatusMessage {
  readonly type: "status";
  readonly status: LogStatus;
}

/** The log's first entry still there is another one: a trim has moved it. */
export interface FirstSequenceMessage {
  readonly type: "first_sequence";
  readonly sequence: number;
}

/** What the log has and accepts may have changed. */
export interface LimitsMessage {
  readonly type: "limits";
  readonly limits: LogLimits;
}

/** Something that an operator should know, and that ends nothing. */
export interface WarningMessage {
  readonly type: "warning";
  readonly text: string;
}

/** A batch did not commit: certainly, or as far as is known. */
export interface ProposalFailedMessage {
  readonly type: "proposal_failed";
  readonly batch: number;
  readonly outcome: "not_stored" | "unknown";
  readonly reason: string;
}

/**
 * Nothing is proposed before it is known what the other replicas have applied;
 * answered by `others_heard`.
 */
export interface HearOthersMessage {
  readonly type: "hear_others";
  /** One more each time: only the answer to the last one counts. */
  readonly hearing: number;
}

/** The log can't go on: the replica must stop. */
export interface FailedMessage {
  readonly type: "failed";
  readonly reason: string;
}

/** All that the worker says to the main thread. */
export type FromLogWorker =
  | AnswerMessage
  | CallFailedMessage
  | EntriesMessage
  | StatusMessage
  | FirstSequenceMessage
  | LimitsMessage
  | WarningMessage
  | ProposalFailedMessage
  | HearOthersMessage
  | FailedMessage;
