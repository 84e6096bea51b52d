/**
 * A backup file on this machine as a source of a snapshot.
 *
 * @module
 */
import type { Snapshot } from "./snapshot.ts";
import { type SnapshotSource, SourceError } from "./source.ts";
import { streamedSnapshot } from "./streamed_snapshot.ts";

/**
 * @param url The file's `file:` URL.
 * @returns The source.
 */
export function fileSource(url: string): SnapshotSource {
  return { name: url, open: (signal) => openFile(url, signal) };
}

async function openFile(url: string, signal: AbortSignal): Promise<Snapshot> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(new URL(url));
  } catch (cause) {
    throw new SourceError(`unreachable: ${(cause as Error).message}`, {
      cause,
    });
  }
  const close = () => {
    signal.removeEventListener("abort", close);
    try {
      file.close();
    } catch {
      // It was read to its end, which closes it.
    }
  };
  signal.addEventListener("abort", close);
  return await streamedSnapshot(file.readable, close);
}
