/**
 * The worker's entry: unzips and reads one backup after the other, off the main
 * thread, which gets their rows, or only the rows' number and digest.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { blockBuffers, type RowBlock } from "../../storage/row_block.ts";
import { type FoundRows, RowCheck } from "../row_check.ts";
import { BackupError } from "./backup_error.ts";
import { giveWay } from "./give_way.ts";
import { readBackup } from "./read_backup.ts";
import { rest } from "./rest.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What the main thread sends. */
export type ToDecodeWorker =
  /** The first message about a file: whether its rows are wanted. */
  | { readonly type: "begin"; readonly wantsRows: boolean }
  /** The next bytes of the file. */
  | {
    readonly type: "bytes";
    readonly bytes: Bytes;
    /** How long to rest after them, in times of how long they took. */
    readonly restFactor: number;
  }
  /** The file ends here. */
  | { readonly type: "end" }
  /** It has taken one `rows` message. */
  | { readonly type: "taken" };

/** What the worker sends. */
export type FromDecodeWorker =
  /** It has taken one `bytes` message. */
  | { readonly type: "taken" }
  /** The next rows. */
  | { readonly type: "rows"; readonly block: RowBlock }
  /** The file was read to its end; with what was found if no rows were wanted. */
  | { readonly type: "end"; readonly found: FoundRows | undefined }
  /** The file is not what it must be, or the worker can't read it. */
  | {
    readonly type: "failed";
    readonly isDamaged: boolean;
    readonly reason: string;
  };

/** How many `rows` messages are on their way to the main thread at a time. */
const WINDOW_MESSAGES = 2;

/** The next message. */
let changed = Promise.withResolvers<void>();
let chunks: Extract<ToDecodeWorker, { type: "bytes" }>[] = [];
let hasEnd = false;
let messagesOnTheWay = 0;

function post(message: FromDecodeWorker, transfer: Transferable[] = []): void {
  self.postMessage(message, transfer);
}

async function waitUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await changed.promise;
}

/** The file, at the pace of the reading: what was given before is worked off. */
function openFile(): ReadableStream<Bytes> {
  /** The chunk that is worked off, and since when. */
  let underWay = { restFactor: 0, began_ms: 0 };
  return new ReadableStream({
    pull: async (controller) => {
      const { restFactor, began_ms } = underWay;
      await rest(performance.now() - began_ms, restFactor);
      await waitUntil(() => chunks.length > 0 || hasEnd);
      const next = chunks.shift();
      if (next === undefined) return controller.close();
      post({ type: "taken" });
      underWay = { restFactor: next.restFactor, began_ms: performance.now() };
      controller.enqueue(next.bytes);
    },
  }, { highWaterMark: 0 });
}

async function sendRows(rows: AsyncIterable<RowBlock>): Promise<void> {
  for await (const { count, keys, keyEnds, numbers } of rows) {
    await waitUntil(() => messagesOnTheWay < WINDOW_MESSAGES);
    messagesOnTheWay++;
    const block = { count, keys, keyEnds, numbers };
    post({ type: "rows", block }, blockBuffers(block));
  }
}

async function decode(wantsRows: boolean): Promise<void> {
  chunks = [];
  hasEnd = false;
  messagesOnTheWay = 0;
  // Someone waits for the rows; a check has time.
  if (!wantsRows) giveWay();
  try {
    const { rows } = await readBackup(openFile());
    const check = new RowCheck();
    if (wantsRows) await sendRows(rows);
    else for await (const block of rows) check.add(block);
    post({ type: "end", found: wantsRows ? undefined : check.found });
  } catch (error) {
    post({
      type: "failed",
      isDamaged: error instanceof BackupError,
      reason: (error as Error).message,
    });
  }
}

self.onmessage = ({ data }: MessageEvent<ToDecodeWorker>) => {
  if (data.type === "begin") decode(data.wantsRows);
  else if (data.type === "bytes") chunks.push(data);
  else if (data.type === "end") hasEnd = true;
  else messagesOnTheWay--;
  changed.resolve();
  changed = Promise.withResolvers();
};
