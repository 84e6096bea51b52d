/**
 * The command-line form of an import: sends a file, or another server's
 * backup, to a running service.
 *
 * @module
 */

/** What is imported, and where to. */
export interface ImportCommand {
  /** A path, or an http(s) URL of a backup; its userinfo logs in there. */
  readonly source: string;
  /** The base URL of the service's set listener; its userinfo logs in there. */
  readonly target: string;
  /** Logs in where a URL has no userinfo. */
  readonly user: string;
  readonly password: string;
}

/** The import failed; the message says how far it came. */
export class ImportError extends Error {
  override name = "ImportError";
}

/**
 * Sends a backup to a service.
 *
 * @param command What and where to.
 * @param onProgress Told how many bytes were sent, of how many (0: unknown).
 * @returns What the service answered.
 * @throws {ImportError} If it could not, or the service did not take it all.
 */
export async function runImport(
  command: ImportCommand,
  onProgress: (sent: number, total: number) => void,
): Promise<{ rows: number; log_sequence: number }> {
  const { stream, total } = await openSource(command);
  let sent = 0;
  const counted = stream.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform: (chunk, controller) => {
        sent += chunk.length;
        onProgress(sent, total);
        controller.enqueue(chunk);
      },
    }),
  );
  const { url, headers } = withCredentials(
    `${command.target.replace(/\/$/, "")}/import`,
    command,
  );
  let response: Response;
  try {
    // First without the file: a refusal may be lost while one is being sent.
    const knock = await fetch(url, { headers });
    if (knock.status === 401) {
      throw new ImportError(describe(await knock.text()));
    }
    await knock.body?.cancel();
    response = await fetch(url, { method: "POST", headers, body: counted });
  } catch (cause) {
    await counted.cancel().catch(() => {});
    throw new ImportError(
      `Cannot import to ${url}: ${
        (cause as Error).message
      }. Importing again is harmless`,
      { cause },
    );
  }
  if (response.status === 200) return await response.json();
  throw new ImportError(
    `Cannot import to ${url}: ${describe(await refusalText(response))}`,
  );
}

/** A server that refuses a long body may break off after all that it says. */
async function refusalText(response: Response): Promise<string> {
  let text = "";
  try {
    for await (
      const part of response.body!.pipeThrough(new TextDecoderStream())
    ) text += part;
  } catch {
    // What came is what there is to tell.
  }
  return text || String(response.status);
}

/** Opens a file or a URL. */
async function openSource(
  command: ImportCommand,
): Promise<{ stream: ReadableStream<Uint8Array<ArrayBuffer>>; total: number }> {
  const { source } = command;
  try {
    if (!/^https?:/.test(source)) {
      const file = await Deno.open(source);
      return { stream: file.readable, total: (await file.stat()).size };
    }
    const { url, headers } = withCredentials(source, command);
    const response = await fetch(url, { headers });
    if (response.status !== 200 || response.body === null) {
      throw new Error(`${response.status} ${describe(await response.text())}`);
    }
    const length = response.headers.get("content-length");
    return { stream: response.body, total: Number(length ?? 0) };
  } catch (cause) {
    throw new ImportError(
      `Cannot read ${URL.parse(source)?.host ?? source}: ${
        (cause as Error).message
      }`,
      { cause },
    );
  }
}

/** Moves a URL's userinfo, or the command's, into a header. */
function withCredentials(
  text: string,
  { user, password }: ImportCommand,
): { url: string; headers: Record<string, string> } {
  const url = new URL(text);
  const userinfo = url.username
    ? `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
    : `${user}:${password}`;
  url.username = url.password = "";
  return {
    url: url.href,
    headers: {
      authorization: `Basic ${new TextEncoder().encode(userinfo).toBase64()}`,
    },
  };
}

/** What a problem answer says, on one line. */
function describe(text: string): string {
  try {
    const { detail, line, rows_committed } = JSON.parse(text);
    return rows_committed === undefined
      ? detail
      : `${detail} (line ${line}; ${rows_committed} rows are committed, importing again is harmless)`;
  } catch {
    return text;
  }
}
