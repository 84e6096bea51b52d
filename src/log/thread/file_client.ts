/**
 * The main thread's side of the calls to a place of files.
 *
 * @module
 */
import type {
  FilePlace,
  FileSink,
  PlacedFile,
} from "../../snapshot/file_place.ts";
import type { BackupInfo } from "../../snapshot/format/backup_info.ts";
import type { Caller } from "./calls.ts";
import type { FileCalls } from "./file_calls.ts";
import { named } from "./store_errors.ts";

/** A {@linkcode FilePlace} that another thread has. */
export class FileClient implements FilePlace {
  /** @param calls Calls what `fileHost()` made there. */
  constructor(private readonly calls: Caller<FileCalls>) {}

  list(): Promise<PlacedFile[]> {
    return named(this.calls.call("listFiles", undefined));
  }

  markVerified(id: string): Promise<void> {
    return named(this.calls.call("markFileVerified", id));
  }

  delete(id: string): Promise<void> {
    return named(this.calls.call("deleteFile", id));
  }

  async open(
    id: string,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const { calls } = this;
    const reader = await named(calls.call("openFile", id));
    const ask = () => {
      const answer = named(calls.call("readFile", reader));
      // It may fail while nobody waits for it yet, or any more.
      answer.catch(() => {});
      return answer;
    };
    const close = () => {
      signal.removeEventListener("abort", close);
      // A worker that is gone has nothing open.
      calls.call("closeFile", reader).catch(() => {});
    };
    signal.addEventListener("abort", close);
    if (signal.aborted) close();
    let next: ReturnType<typeof ask> | undefined;
    return new ReadableStream({
      // The next bytes come while those before them are used.
      pull: async (controller) => {
        try {
          const bytes = await (next ?? ask());
          signal.throwIfAborted();
          if (bytes === undefined) {
            close();
            return controller.close();
          }
          next = ask();
          controller.enqueue(bytes);
        } catch (error) {
          close();
          signal.throwIfAborted();
          throw error;
        }
      },
      cancel: close,
    }, { highWaterMark: 0 });
  }

  async create(info: BackupInfo): Promise<FileSink> {
    const { calls } = this;
    const writer = await named(calls.call("createFile", info));
    return {
      write: (bytes) =>
        named(calls.call("writeFile", { writer, bytes }, [bytes.buffer])),
      commit: () => named(calls.call("commitFile", writer)),
      abort: () => named(calls.call("abortFile", writer)),
    };
  }
}
