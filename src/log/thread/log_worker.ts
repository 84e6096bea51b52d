/**
 * The worker's entry: runs one engine of the replicated log off the main
 * thread and speaks the messages of `messages.ts`.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { batchBuffers } from "../../storage/row_batch.ts";
import { encodeEntry } from "../entry_codec.ts";
import {
  type CompactingLog,
  LogFailedError,
  type LogStatus,
  NotStoredError,
  type ReplicatedLog,
} from "../log.ts";
import {
  type FromLogWorker,
  type LogOptions,
  type ToLogWorker,
  WINDOW_MESSAGES,
  type WriteBaseMessage,
} from "./messages.ts";
import { JetStreamLog } from "../jetstream/jetstream_log.ts";
import { SqliteLog } from "../sqlite/sqlite_log.ts";

let log: ReplicatedLog;
/** The same log, if it can hold a base. */
let compacting: CompactingLog | undefined;
/** The same log, if other replicas share it. */
let shared: JetStreamLog | undefined;
let messagesOnTheWay = 0;
let windowOpened: (() => void) | undefined;

function post(message: FromLogWorker, transfer: Transferable[] = []): void {
  self.postMessage(message, transfer);
}

function fail(error: unknown): void {
  post({
    type: "failed",
    reason: error instanceof LogFailedError
      ? error.message
      : `The log worker failed: ${(error as Error)?.stack ?? error}`,
  });
}

/** Posts a message of the window, and waits until there is room for another. */
async function postInWindow(
  message: FromLogWorker,
  transfer: Transferable[],
): Promise<void> {
  post(message, transfer);
  messagesOnTheWay++;
  while (messagesOnTheWay >= WINDOW_MESSAGES) {
    await new Promise<void>((resolve) => windowOpened = resolve);
  }
}

async function open(options: LogOptions): Promise<void> {
  const onStatus = (status: LogStatus) => post({ type: "status", status });
  if (options.engine === "sqlite") {
    log = compacting = new SqliteLog(options.directory);
  } else {
    log = shared = new JetStreamLog(
      options,
      onStatus,
      (sequence) => post({ type: "first_sequence", sequence }),
      {
        heard: (replicaId, bytes) =>
          post({ type: "heard", replicaId, bytes }, [bytes.buffer]),
        dropped: (count) => post({ type: "heard_dropped", count }),
        off: (reason) => post({ type: "presence_off", reason }),
      },
    );
  }
  const info = await log.open();
  post({ type: "opened", info });
  if (options.engine === "sqlite") {
    onStatus({ state: "connected", reason: "the log is open" });
  }
}

async function readBase(): Promise<void> {
  for (const rows of compacting!.readBase()) {
    await postInWindow({ type: "base_rows", rows }, batchBuffers(rows));
  }
  post({ type: "base_end" });
}

async function locate(sequence: number): Promise<void> {
  post({ type: "located", location: await log.locate(sequence) });
}

async function consume(after: number, time: string | null): Promise<void> {
  for await (const entries of log.entries(after, time)) {
    const payloads = entries.flatMap(({ payload }) => payload?.buffer ?? []);
    // Payloads of one read may share a buffer.
    await postInWindow(
      { type: "entries", entries, lastSequence: log.lastSequence },
      [...new Set(payloads)],
    );
  }
}

async function propose(
  batch: number,
  text: string,
): Promise<void> {
  try {
    await log.propose(batch, encodeEntry(text));
  } catch (error) {
    if (error instanceof LogFailedError) throw error;
    post({
      type: "proposal_failed",
      batch,
      outcome: error instanceof NotStoredError ? "not_stored" : "unknown",
      reason: (error as Error).message,
    });
  }
}

function writeBase(step: WriteBaseMessage["step"]): void {
  try {
    if (step.type === "begin") compacting!.beginBase(step.base);
    else if (step.type === "rows") compacting!.writeBase(step.rows);
    else compacting!.commitBase();
    post({ type: "base_written" });
  } catch (error) {
    // The log is whole without a new base.
    post({ type: "base_written", error: (error as Error).message });
  }
}

async function close(): Promise<void> {
  await log.close();
  post({ type: "closed" });
  self.close();
}

function handle(message: ToLogWorker): Promise<void> | void {
  switch (message.type) {
    case "open":
      return open(message.options);
    case "read_base":
      return readBase();
    case "locate":
      return locate(message.sequence);
    case "consume":
      return consume(message.after, message.time);
    case "propose":
      return propose(message.batch, message.text);
    case "write_base":
      return writeBase(message.step);
    case "announce":
      return shared?.announce(message.bytes);
    case "close":
      return close();
    case "taken":
      messagesOnTheWay -= message.messages;
      windowOpened?.();
  }
}

self.addEventListener("error", (event) => {
  // Between two steps of a handshake the NATS library listens to no errors of
  // its socket; it notices the socket's end all the same, and tries again.
  const { code } = event.error ?? {};
  if (code === "ECONNRESET" || code === "EPIPE") event.preventDefault();
});

self.onmessage = async ({ data }: MessageEvent<ToLogWorker>) => {
  try {
    await handle(data);
  } catch (error) {
    fail(error);
  }
};
