/**
 * The worker's entry: runs one engine of the replicated log off the main
 * thread and speaks the messages of `messages.ts`.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { encodeEntry } from "../entry_payload.ts";
import type { JetStreamLog } from "../jetstream/jetstream_log.ts";
import type { JetStreamOptions } from "../jetstream/options.ts";
import {
  LogFailedError,
  type LogLimits,
  type LogStatus,
  NotStoredError,
  type TrimmableLog,
} from "../log.ts";
import type { SqliteLog } from "../sqlite/sqlite_log.ts";
import { answerCall } from "./calls.ts";
import { fileHost } from "./file_host.ts";
import { membersListener } from "./members_port.ts";
import type {
  ConsumeMessage,
  Engine,
  FromLogWorker,
  LogCalls,
  OpenArgument,
  ProposeMessage,
  ToLogWorker,
} from "./messages.ts";
import { snapshotHost } from "./snapshot_host.ts";
import { SendWindow } from "./window.ts";

/** Ends when the engine is loaded; undefined once it is. */
let loading: Promise<void> | undefined;
let log: TrimmableLog;
/** The same log, if it is shared with other replicas. */
let shared: JetStreamLog | undefined;
/** The same log, if it keeps snapshots beside its entries. */
let embedded: SqliteLog | undefined;
/** The generation of the entries that are wanted. */
let generation = 0;
let window = new SendWindow();

function post(message: FromLogWorker, transfer: Transferable[] = []): void {
  // Without a list the runtime takes a shorter way: 4 µs instead of 6.
  if (transfer.length === 0) self.postMessage(message);
  else self.postMessage(message, transfer);
}

function tellStatus(status: LogStatus): void {
  post({ type: "status", status });
}

function tellLimits(limits: LogLimits): void {
  post({ type: "limits", limits });
}

function warn(text: string): void {
  post({ type: "warning", text });
}

/**
 * Load the engine that is used, and no other: the NATS library took a fifth of
 * the CPU time of a standalone service's start.
 */
const imports = {
  jetstream: () =>
    Promise.all([
      import("../jetstream/jetstream_log.ts"),
      import("../jetstream/members_channel.ts"),
    ]),
  sqlite: () => import("../sqlite/sqlite_log.ts"),
} satisfies Record<Engine, () => Promise<unknown>>;

async function joinJetStream(
  options: JetStreamOptions,
  port: MessagePort | undefined,
): Promise<JetStreamLog> {
  const [{ JetStreamLog }, { MembersChannel }] = await imports.jetstream();
  const members = port && new MembersChannel(
    options.stream,
    options.replicaId,
    membersListener(
      port,
      (forms) => jetStream.sendHeartbeat(forms),
    ),
  );
  const jetStream = new JetStreamLog(options, {
    status: tellStatus,
    limits: tellLimits,
    warn,
    hearOthers: (hearing) => post({ type: "hear_others", hearing }),
  }, members);
  return jetStream;
}

async function openSqlite(directory: string): Promise<SqliteLog> {
  const { SqliteLog } = await imports.sqlite();
  return new SqliteLog(directory, tellStatus, tellLimits, warn);
}

async function load({ options, members }: OpenArgument): Promise<void> {
  if (options.engine === "jetstream") {
    log = shared = await joinJetStream(options, members);
    shared.connect();
  } else {
    log = embedded = await openSqlite(options.directory);
  }
}

const calls: LogCalls = {
  connect: async (argument) => {
    loading = load(argument);
    await loading;
    loading = undefined;
  },
  find: () => (shared ?? embedded)!.find(),
  open: (id) => log.open(id),
  locate: (sequence) => log.locate(sequence),
  trim: async (sequence) => {
    const first = await log.trim(sequence);
    post({ type: "first_sequence", sequence: first });
  },
  ...snapshotHost(() => embedded!.snapshots),
  ...fileHost(() => shared!.files),
  heal_look: () => shared!.healing.look(),
  heal_remake: () => shared!.healing.remake(),
  heal_fence: ({ point, after }) => shared!.healing.fence(point, after),
  heal_move: (point) => (shared?.healing ?? embedded!).moveTo(point),
  close: () => log.close(),
};

async function consume(message: ConsumeMessage): Promise<void> {
  ({ generation } = message);
  window.close();
  window = new SendWindow();
  const reads = log.entries(message.after, message.time);
  for await (const { entries, bytes } of reads) {
    if (generation !== message.generation) return;
    const payloads = entries.flatMap(({ payload }) => payload?.buffer ?? []);
    const { lastSequence } = log;
    post(
      { type: "entries", generation, entries, bytes, lastSequence },
      // Payloads of one read may share a buffer.
      [...new Set(payloads)],
    );
    await window.sent();
    if (generation !== message.generation) return;
  }
}

async function propose(
  { batch, text, version }: ProposeMessage,
): Promise<void> {
  try {
    await log.propose(batch, encodeEntry(text), version);
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

async function handle(message: ToLogWorker): Promise<void> {
  switch (message.type) {
    case "preload":
      // What fails here fails again when the log is connected to.
      return void imports[message.engine]().catch(() => {});
    case "call":
      return post(...await answerCall(calls, message));
    case "consume":
      return await consume(message);
    case "propose":
      return await propose(message);
    case "others_heard":
      return shared?.othersHeard(message.hearing);
    case "taken":
      if (message.generation === generation) window.taken(message.messages);
      return;
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
    if (loading !== undefined) await loading;
    await handle(data);
  } catch (error) {
    post({
      type: "failed",
      reason: error instanceof LogFailedError
        ? error.message
        : `The log worker failed: ${(error as Error)?.stack ?? error}`,
    });
  }
};
