/**
 * Another replica as a source of a snapshot: its backup.
 *
 * @module
 */
import { parseBackupInfoJson } from "./format/backup_info.ts";
import { PREFER_FAST } from "./format/compression.ts";
import type { Snapshot, SnapshotInfo } from "./snapshot.ts";
import { type SnapshotSource, SourceError } from "./source.ts";
import { streamedSnapshot } from "./streamed_snapshot.ts";

/** How long a peer may take to begin its answer. */
const ANSWER_TIMEOUT_MS = 5_000;

/** The most bytes of an error answer that are read. */
const ERROR_ANSWER_BYTES_MAX = 16 * 1024;

/** The most characters of a peer's own reason that are passed on. */
const DETAIL_CHARACTERS_MAX = 300;

/** A peer as it is configured. */
export interface Peer {
  /** The base URL of its set listener, without credentials. */
  readonly url: string;
  /** The credentials to ask it with. */
  readonly user: string;
  readonly password: string;
}

/**
 * @param peer The peer.
 * @param client What asks it; knows the authority of its certificate.
 * @param answerTimeout_ms How long it may take to begin its answer.
 * @returns The source.
 */
export function peerSource(
  peer: Peer,
  client: Deno.HttpClient | undefined,
  answerTimeout_ms = ANSWER_TIMEOUT_MS,
): SnapshotSource {
  return {
    name: peer.url,
    open: async (signal): Promise<Snapshot> => {
      const transfer = new AbortController();
      const either = AbortSignal.any([signal, transfer.signal]);
      const body = await download(peer, client, either, answerTimeout_ms);
      return await streamedSnapshot(body, () => transfer.abort());
    },
  };
}

/** What a peer holds. */
export type PeerState =
  | { readonly type: "holds"; readonly info: SnapshotInfo }
  /** It runs, and holds no whole state yet. */
  | { readonly type: "holds_nothing" }
  /** It is of version 1.0, which does not say it. */
  | { readonly type: "does_not_say" };

/**
 * Asks a peer what it holds, without a backup.
 *
 * @param peer The peer.
 * @param client As for {@linkcode peerSource}.
 * @param signal Ends it.
 * @param answerTimeout_ms As for {@linkcode peerSource}.
 * @throws {SourceError} If the peer can't be asked, or refuses to say it.
 */
export async function askPeer(
  peer: Peer,
  client: Deno.HttpClient | undefined,
  signal: AbortSignal,
  answerTimeout_ms = ANSWER_TIMEOUT_MS,
): Promise<PeerState> {
  const ask = { method: "HEAD", signal, answerTimeout_ms } as const;
  return await request(peer, client, ask, async (response) => {
    await response.body?.cancel();
    const { status, headers } = response;
    const json = headers.get("backup-info");
    if (status === 200 && json !== null) {
      return { type: "holds", info: parseBackupInfoJson(json) };
    }
    const isProblem = headers.get("content-type")?.includes("problem+json");
    // A proxy's 503 says nothing of the peer.
    if (status === 503 && isProblem) return { type: "holds_nothing" };
    if (status === 200 || status === 405) return { type: "does_not_say" };
    throw new SourceError(`refused: ${status}`);
  });
}

async function download(
  peer: Peer,
  client: Deno.HttpClient | undefined,
  signal: AbortSignal,
  answerTimeout_ms: number,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const ask = { method: "GET", signal, answerTimeout_ms } as const;
  return await request(peer, client, ask, async (response) => {
    if (response.status === 200 && response.body !== null) return response.body;
    const detail = await readBeginning(response).then(problemDetail, () => "");
    throw new SourceError(
      `${
        response.status === 503 ? "not ready" : "refused"
      }: ${response.status} ${detail}`,
    );
  });
}

/** How a peer is asked. */
interface Ask {
  readonly method: "GET" | "HEAD";
  readonly signal: AbortSignal;
  readonly answerTimeout_ms: number;
}

/**
 * Asks a peer for its backup.
 *
 * @param take Takes the answer within the time limit, because it may be
 * endless.
 */
async function request<T>(
  { url, user, password }: Peer,
  client: Deno.HttpClient | undefined,
  { method, signal, answerTimeout_ms }: Ask,
  take: (response: Response) => Promise<T>,
): Promise<T> {
  const userinfo = new TextEncoder().encode(`${user}:${password}`).toBase64();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), answerTimeout_ms);
  try {
    return await take(
      await fetch(`${url.replace(/\/$/, "")}/backup`, {
        method,
        headers: {
          authorization: `Basic ${userinfo}`,
          prefer: PREFER_FAST,
        },
        redirect: "error",
        ...(client && { client }),
        signal: AbortSignal.any([signal, late.signal]),
      }),
    );
  } catch (cause) {
    if (cause instanceof SourceError) throw cause;
    // Only the cause of a failed fetch says why it failed.
    const { message } = ((cause as Error).cause ?? cause) as Error;
    const reason = late.signal.aborted
      ? `no answer within ${answerTimeout_ms} ms`
      : message;
    throw new SourceError(`unreachable: ${reason}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** The beginning of an answer, up to a limit. */
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
