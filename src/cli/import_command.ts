/**
 * The import command: sends files, or other servers' backups, to a running
 * service.
 *
 * @module
 */
import { type Imported, UserGradeError } from "../client/mod.ts";
import { withoutUserinfo } from "../config/url_userinfo.ts";
import { STANDARD_INPUT } from "./arguments.ts";
import type { Meter } from "./terminal_meter.ts";
import { CommandError } from "./command_error.ts";
import {
  describeFailure,
  describeResponse,
  type Login,
  SetListener,
} from "./set_listener.ts";

/** What is imported, and where to. */
export interface ImportCommand {
  /** Paths, http(s) URLs of backups, or {@linkcode STANDARD_INPUT}. */
  readonly sources: readonly string[];
  /** The base URL of the service's set listener. */
  readonly target: string;
  /** Whether users who are not in the file are deleted; with one source only. */
  readonly isReplacing: boolean;
  readonly login: Login;
}

/** A file that is to be sent. */
interface Source {
  /** What messages call it. */
  readonly name: string;
  open(): Promise<{
    readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
    /** How many bytes it has; 0 if that is not known. */
    readonly total: number;
  }>;
}

/**
 * Sends files to a service, one after the other, as far as the first that fails.
 *
 * @param command What and where to.
 * @param meter Shows how much of a file has been sent.
 * @param print Told what each file brought.
 * @throws {CommandError} If a file could not be sent or was not taken whole.
 */
export async function runImport(
  { sources, target, isReplacing, login }: ImportCommand,
  meter: Meter,
  print: (line: string) => void,
): Promise<void> {
  const listener = new SetListener(target, login);
  const files = sources.map((source) => sourceOf(source, login));
  await knock(listener);
  for (const file of files) {
    try {
      const imported = await send(file, listener, isReplacing, meter);
      print(`${file.name}: ${describe(imported)}`);
    } catch (error) {
      throw withLeftOut(error, files.slice(files.indexOf(file) + 1));
    } finally {
      meter.end();
    }
  }
}

function describe({ rows, deleted, log_sequence }: Imported): string {
  const others = deleted === undefined
    ? ""
    : ` and ${deleted} users who are not in it deleted`;
  return `${rows} rows imported${others}, up to sequence ${log_sequence}`;
}

/** Says which files were not tried any more. */
function withLeftOut(error: unknown, rest: readonly Source[]): unknown {
  if (!(error instanceof CommandError) || rest.length === 0) return error;
  const names = rest.map(({ name }) => name).join(", ");
  return new CommandError(`${error.message}\nNot imported: ${names}`, {
    cause: error,
  });
}

/**
 * Asks without a file first: a wrong address or password is told at once.
 *
 * @throws {CommandError} If there is no set listener that lets one in.
 */
async function knock(listener: SetListener): Promise<void> {
  const url = listener.at("/import");
  const response = await listener.fetch(url);
  if (response.status === 405) {
    await response.body?.cancel();
    return;
  }
  throw new CommandError(
    `Cannot import to ${url}: ${await describeResponse(response)}`,
  );
}

async function send(
  source: Source,
  listener: SetListener,
  isReplacing: boolean,
  meter: Meter,
): Promise<Imported> {
  const { stream, total } = await source.open();
  /** Why the source, and not the service, ended the request. */
  const broken: { error?: CommandError } = {};
  async function* read() {
    let sent = 0;
    try {
      for await (const chunk of stream) {
        sent += chunk.length;
        if (total > 0) meter.update(sent, total);
        yield chunk;
      }
    } catch (cause) {
      broken.error = new CommandError(
        `Cannot read ${source.name} to its end: ${
          (cause as Error).message
        }. Importing again is harmless`,
        { cause },
      );
      throw broken.error;
    }
  }
  const body = ReadableStream.from(read());
  try {
    return await listener.client("/import")
      .import(body, { replace: isReplacing });
  } catch (cause) {
    await body.cancel().catch(() => {});
    if (broken.error !== undefined) throw broken.error;
    if (!(cause instanceof UserGradeError)) throw cause;
    const url = listener.at("/import");
    const failure = describeFailure(url, cause);
    throw new CommandError(
      cause.answer === undefined
        ? `Cannot import ${source.name}: ${failure}. Importing again is harmless`
        : `Cannot import ${source.name} to ${url}: ${failure}`,
      { cause },
    );
  }
}

/** @throws {CommandError} If it is seen at once that there is nothing to send. */
function sourceOf(source: string, login: Login): Source {
  if (source === STANDARD_INPUT) {
    return {
      name: "standard input",
      open: () => Promise.resolve({ stream: Deno.stdin.readable, total: 0 }),
    };
  }
  if (/^[a-z][a-z\d+.-]*:\/\/|^https?:/i.test(source)) {
    return backupOf(new SetListener(source, login));
  }
  try {
    if (Deno.statSync(source).isDirectory) throw new Error("it is a folder");
  } catch (cause) {
    // A URL without its scheme is a path too, and the cause repeats it.
    const name = withoutUserinfo(source);
    const reason = (cause as Error).message.replaceAll(source, name);
    throw new CommandError(`Cannot read ${name}: ${reason}`);
  }
  return {
    name: source,
    open: async () => {
      const file = await Deno.open(source);
      return { stream: file.readable, total: (await file.stat()).size };
    },
  };
}

function backupOf(listener: SetListener): Source {
  return {
    name: listener.url,
    open: async () => {
      const response = await listener.fetch(listener.url);
      if (response.status !== 200 || response.body === null) {
        throw new CommandError(
          `Cannot read ${listener.url}: ${await describeResponse(response)}`,
        );
      }
      const length = response.headers.get("content-length");
      return { stream: response.body, total: Number(length ?? 0) };
    },
  };
}
