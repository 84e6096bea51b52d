/**
 * The backup command: downloads a backup of a running service and verifies it.
 *
 * @module
 */
import { type Backup, UserGradeError } from "../client/mod.ts";
import type { BackupInfo } from "../snapshot/format/backup_info.ts";
import { verifyBackup } from "../snapshot/format/verify_backup.ts";
import type { Meter } from "./terminal_meter.ts";
import { CommandError } from "./command_error.ts";
import { describeFailure, type Login, SetListener } from "./set_listener.ts";

/** A file that stands for standard output. */
export const STANDARD_OUTPUT = "-";

/** The file is for its owner alone: it holds every user grade. */
const FILE_MODE = 0o600;

/** What is backed up, and where to. */
export interface BackupCommand {
  /**
   * A path that is not there yet, a folder, or {@linkcode STANDARD_OUTPUT};
   * undefined for a file here with the name that the service gives it.
   */
  readonly file: string | undefined;
  /** The base URL of the service's set listener. */
  readonly source: string;
  readonly login: Login;
}

/** Where the bytes go. */
interface Sink extends AsyncDisposable {
  /** What messages call it. */
  readonly name: string;
  write(bytes: Uint8Array): Promise<void>;
  /** Makes it what was asked for: it is verified. */
  keep(): Promise<void>;
}

/**
 * Downloads a backup. The file gets its name only when it is whole: what it says
 * of itself, rows and digest, was held against the very bytes that were written.
 *
 * @param command What and where to.
 * @param meter Shows how many rows have come.
 * @param print Told what was written.
 * @throws {CommandError} If there is such a file already, or the backup could
 * not be had, written or verified. Nothing is left then.
 */
export async function runBackup(
  { file, source, login }: BackupCommand,
  meter: Meter,
  print: (line: string) => void,
): Promise<void> {
  const listener = new SetListener(source, login);
  const url = listener.at("/backup");
  const backup = await listener.client("/backup").backup()
    .catch((cause: unknown) => {
      if (!(cause instanceof UserGradeError)) throw cause;
      const failure = describeFailure(url, cause);
      throw new CommandError(
        cause.answer === undefined
          ? failure
          : `Cannot back up ${url}: ${failure}`,
        { cause },
      );
    });
  await using sink = await openSink(file, backup);
  const written = backup.body.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform: async (chunk, controller) => {
        await sink.write(chunk);
        controller.enqueue(chunk);
      },
    }),
  );
  let info: BackupInfo;
  try {
    info = await verifyBackup(
      written,
      (rows, total) => meter.update(rows, total),
    );
    await sink.keep();
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError(
      `Cannot back up ${url} to ${sink.name}: ${(cause as Error).message}`,
      { cause },
    );
  } finally {
    meter.end();
  }
  print(`${sink.name}: ${info.rows} rows, as of sequence ${info.sequence}`);
}

async function openSink(
  file: string | undefined,
  { body, fileName }: Backup,
): Promise<Sink> {
  if (file === STANDARD_OUTPUT) return standardOutput();
  try {
    return await newFile(pathOf(file, fileName));
  } catch (cause) {
    await body.cancel();
    if (cause instanceof CommandError) throw cause;
    throw new CommandError(
      `Cannot write ${file ?? "here"}: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** The file's path, by the name that the service gives where none is asked for. */
function pathOf(file: string | undefined, name: string | undefined): string {
  if (file !== undefined && !isFolder(file)) return file;
  if (name === undefined) {
    throw new CommandError("The service gives no file name: name a FILE");
  }
  return file === undefined ? name : `${file.replace(/\/$/, "")}/${name}`;
}

function standardOutput(): Sink {
  return {
    name: "standard output",
    write: (bytes) => writeAll(Deno.stdout, bytes),
    keep: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/**
 * A file that has another name until it is kept, and is removed otherwise.
 *
 * @throws {CommandError} If there is one of that name.
 */
async function newFile(path: string): Promise<Sink> {
  refuseExisting(path);
  const partial = `${path}.${crypto.randomUUID().slice(0, 8)}.partial`;
  const file = await Deno.open(partial, {
    write: true,
    createNew: true,
    mode: FILE_MODE,
  });
  let isOpen = true;
  let isKept = false;
  const close = () => {
    if (isOpen) file.close();
    isOpen = false;
  };
  return {
    name: path,
    write: (bytes) => writeAll(file, bytes),
    keep: async () => {
      await file.syncData();
      close();
      refuseExisting(path);
      await Deno.rename(partial, path);
      isKept = true;
    },
    [Symbol.asyncDispose]: async () => {
      close();
      if (!isKept) await Deno.remove(partial).catch(() => {});
    },
  };
}

function refuseExisting(path: string): void {
  let exists = true;
  try {
    Deno.lstatSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    exists = false;
  }
  if (exists) {
    throw new CommandError(
      `Cannot write ${path}: it exists already. Remove it, or name another file`,
    );
  }
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

async function writeAll(
  file: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let rest = bytes; rest.length > 0;) {
    rest = rest.subarray(await file.write(rest));
  }
}
