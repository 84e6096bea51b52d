/**
 * Getting a backup from a peer, or from a file that stands in for one.
 *
 * @module
 */
import type { BaseSource, OfferedBase } from "../replica/bootstrap.ts";
import type { RowBatch } from "../storage/row_batch.ts";
import { BackupError } from "./format/backup_error.ts";
import { type BackupInfo, parseBackupInfo } from "./format/backup_info.ts";
import type { GzipHeader } from "./format/gzip_header.ts";
import { withIdleTimeout } from "../idle_timeout.ts";
import { readBackup } from "./format/read_backup.ts";

/** How long a peer may take to begin its answer. */
const ANSWER_TIMEOUT_MS = 5_000;

/** How long a peer may send nothing in the middle of a backup. */
const IDLE_TIMEOUT_MS = 15_000;

/** The most bytes of an error answer that are read. */
const ERROR_ANSWER_BYTES_MAX = 16 * 1024;

/** The most characters of a peer's own reason that are told on. */
const DETAIL_CHARACTERS_MAX = 300;

/** A peer that gives no backup. */
export class PeerError extends Error {
  override name = "PeerError";
}

/** A peer as it is configured. */
export interface Peer {
  /**
   * The base URL of its set listener, or of a backup file (`file:`), without
   * credentials.
   */
  readonly url: string;
  /** What it is asked with. */
  readonly user: string;
  readonly password: string;
}

/**
 * @param peer The peer.
 * @param client What asks it; knows the authority of its certificate.
 * @returns The peer as a source of bases.
 */
export function peerSource(
  peer: Peer,
  client: Deno.HttpClient | undefined,
): BaseSource {
  return {
    name: peer.url,
    open: (signal) => openPeer(peer, client, signal),
  };
}

async function openPeer(
  peer: Peer,
  client: Deno.HttpClient | undefined,
  signal: AbortSignal,
): Promise<OfferedBase> {
  const stream = peer.url.startsWith("file:")
    ? await openFile(peer.url, signal)
    : await download(peer, client, signal);
  const { header, rows } = await readBackup(
    withIdleTimeout(
      stream,
      IDLE_TIMEOUT_MS,
      () => new PeerError(`unreachable: no byte for ${IDLE_TIMEOUT_MS} ms`),
    ),
  ).catch((cause) => {
    throw blame(cause);
  });
  const info = readInfo(header);
  return {
    logId: info.logId,
    sequence: info.sequence,
    time: info.sequenceTime,
    rows: info.rows,
    digest: info.digest,
    batches: named(rows),
  };
}

function readInfo(header: GzipHeader): BackupInfo {
  try {
    return parseBackupInfo(header);
  } catch (cause) {
    throw new PeerError(`damaged: ${(cause as Error).message}`, { cause });
  }
}

/** Says of an error on the way whether the peer or the file is to blame. */
async function* named(
  rows: AsyncIterable<RowBatch>,
): AsyncGenerator<RowBatch> {
  try {
    yield* rows;
  } catch (cause) {
    throw blame(cause);
  }
}

/** Says whether the file is at fault, or the way that it came. */
function blame(cause: unknown): PeerError {
  if (cause instanceof PeerError) return cause;
  const { message } = cause as Error;
  return cause instanceof BackupError
    ? new PeerError(`damaged: ${message}`, { cause })
    : new PeerError(`broke off: ${message}`, { cause });
}

async function openFile(
  url: string,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(new URL(url));
  } catch (cause) {
    throw new PeerError(`unreachable: ${(cause as Error).message}`, { cause });
  }
  // Whatever was wrong with it: a file that is not read to its end stays open.
  signal.addEventListener("abort", () => {
    try {
      file.close();
    } catch {
      // It was read to its end, which closes it.
    }
  });
  return file.readable;
}

async function download(
  { url, user, password }: Peer,
  client: Deno.HttpClient | undefined,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const userinfo = new TextEncoder().encode(`${user}:${password}`).toBase64();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), ANSWER_TIMEOUT_MS);
  try {
    const response = await fetch(`${url.replace(/\/$/, "")}/backup`, {
      headers: { authorization: `Basic ${userinfo}` },
      redirect: "error",
      ...(client && { client }),
      signal: AbortSignal.any([signal, late.signal]),
    });
    if (response.status === 200 && response.body !== null) return response.body;
    // The time limit goes on: an error answer may be without an end.
    const detail = await readBeginning(response).then(problemDetail, () => "");
    throw new PeerError(
      `${
        response.status === 503 ? "not ready" : "refused"
      }: ${response.status} ${detail}`,
    );
  } catch (cause) {
    if (cause instanceof PeerError) throw cause;
    // Of a failed fetch only the cause says why.
    const { message } = ((cause as Error).cause ?? cause) as Error;
    const reason = late.signal.aborted
      ? `no answer within ${ANSWER_TIMEOUT_MS} ms`
      : message;
    throw new PeerError(`unreachable: ${reason}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** The beginning of an answer, and no more than a bound. */
async function readBeginning({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    text += decoder.decode(chunk, { stream: true });
    if (bytes > ERROR_ANSWER_BYTES_MAX) break;
  }
  return text;
}

/** The detail of a problem answer, if it is one, fit for a log line. */
function problemDetail(body: string): string {
  try {
    return String(JSON.parse(body).detail).replace(/\p{Cc}/gu, "\ufffd")
      .slice(0, DETAIL_CHARACTERS_MAX);
  } catch {
    return "";
  }
}
