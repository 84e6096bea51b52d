/**
 * The worker's side of the calls to a place of files.
 *
 * @module
 */
import type { FilePlace, FileSink } from "../../snapshot/file_place.ts";
import { HandedOver } from "./calls.ts";
import type { FileCalls } from "./file_calls.ts";
import { Numbered } from "./numbered.ts";

/** A file that is being read. */
interface Reader {
  readonly bytes: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  close(): void;
}

/**
 * @param place Gives the place.
 * @returns What is called.
 */
export function fileHost(place: () => FilePlace): FileCalls {
  const readers = new Numbered<Reader>("reader");
  const writers = new Numbered<FileSink>("writer");
  const close = (reader: number): undefined => {
    readers.remove(reader)?.close();
  };
  return {
    listFiles: () => place().list(),
    markFileVerified: (id) => place().markVerified(id),
    deleteFile: (id) => place().delete(id),

    openFile: async (id) => {
      readers.checkRoom();
      const abort = new AbortController();
      const bytes = (await place().open(id, abort.signal)).getReader();
      return readers.add({
        bytes,
        close: () => {
          abort.abort();
          bytes.cancel().catch(() => {});
        },
      });
    },
    readFile: async (reader) => {
      try {
        const { done, value } = await readers.get(reader).bytes.read();
        return done ? close(reader) : new HandedOver(value, [value.buffer]);
      } catch (error) {
        close(reader);
        throw error;
      }
    },
    closeFile: close,

    createFile: async (info) => {
      writers.checkRoom();
      return writers.add(await place().create(info));
    },
    writeFile: ({ writer, bytes }) => writers.get(writer).write(bytes),
    commitFile: async (writer) => {
      const placed = await writers.get(writer).commit();
      writers.remove(writer);
      return placed;
    },
    abortFile: async (writer) => await writers.remove(writer)?.abort(),
  };
}
