/**
 * Another replica as a source of a snapshot: its backup.
 *
 * @module
 */
import type { Snapshot } from "./snapshot.ts";
import { type SnapshotSource, SourceError } from "./source.ts";
import { streamedSnapshot } from "./streamed_snapshot.ts";

/** How long a peer may take to begin its answer. */
const ANSWER_TIMEOUT_MS = 5_000;

/** The most bytes of an error answer that are read. */
const ERROR_ANSWER_BYTES_MAX = 16 * 1024;

/** The most characters of a peer's own reason that are told on. */
const DETAIL_CHARACTERS_MAX = 300;

/** A peer as it is configured. */
export interface Peer {
  /** The base URL of its set listener, without credentials. */
  readonly url: string;
  /** What it is asked with. */
  readonly user: string;
  readonly password: string;
}

/**
 * @param peer The peer.
 * @param client What asks it; knows the authority of its certificate.
 * @returns The source.
 */
export function peerSource(
  peer: Peer,
  client: Deno.HttpClient | undefined,
): SnapshotSource {
  return {
    name: peer.url,
    open: async (signal): Promise<Snapshot> => {
      const transfer = new AbortController();
      const either = AbortSignal.any([signal, transfer.signal]);
      const body = await download(peer, client, either);
      return await streamedSnapshot(body, () => transfer.abort());
    },
  };
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
    throw new SourceError(
      `${
        response.status === 503 ? "not ready" : "refused"
      }: ${response.status} ${detail}`,
    );
  } catch (cause) {
    if (cause instanceof SourceError) throw cause;
    // Of a failed fetch only the cause says why.
    const { message } = ((cause as Error).cause ?? cause) as Error;
    const reason = late.signal.aborted
      ? `no answer within ${ANSWER_TIMEOUT_MS} ms`
      : message;
    throw new SourceError(`unreachable: ${reason}`, { cause });
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
