/**
 * The file of the embedded log: only its owner may read it, since it holds every
 * user grade.
 *
 * @module
 */
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { statOf } from "./log_size.ts";

/** The modes of what is made here. SQLite gives its other files the same. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** The bits of a mode that let every user of the machine in. */
const OTHERS_READ = 0o004;
const OTHERS_ENTER = 0o001;

/**
 * Opens the file, which is made for its owner alone, with its folder, where it
 * is not there. The modes of a file and a folder that are there are left as they
 * are.
 *
 * @param path The file.
 * @throws {Error} If it can't be opened; {@linkcode fileProblem} says why.
 */
export function openLogFile(path: string): DatabaseSync {
  Deno.mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE });
  try {
    const options = { write: true, createNew: true, mode: FILE_MODE };
    Deno.openSync(path, options).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  return new DatabaseSync(path);
}

/**
 * @param path The file.
 * @returns What to do about a file that every user of the machine can read;
 * undefined if it is not one.
 */
export function exposure(path: string): string | undefined {
  // Its access lists are not in the mode.
  if (Deno.build.os === "windows") return undefined;
  const folder = dirname(path);
  const isOpen = (modeOf(path) & OTHERS_READ) !== 0 &&
    (modeOf(folder) & OTHERS_ENTER) !== 0;
  return isOpen
    ? `Every user of this machine may read ${path}: run chmod 700 ${folder}`
    : undefined;
}

/**
 * @param path The file.
 * @param cause What failed as it was opened or written.
 * @returns Why, with what to do where that is known.
 */
export function fileProblem(path: string, cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (/database is locked/.test(message)) {
    return "it is in use by another process: stop that one, or set another DATA_DIR";
  }
  if (/not a database|malformed/.test(message)) {
    return `${message}: the file is damaged, put back a copy or set another DATA_DIR`;
  }
  const { code } = cause as { code?: string };
  if (code === "ENOSPC" || /disk is full/.test(message)) {
    return "its disk is full: make room, or set another DATA_DIR";
  }
  return notFolder(dirname(path)) ?? forbidden(path) ?? message;
}

/** @returns What is in the place of the folder, or of one above it. */
function notFolder(folder: string): string | undefined {
  for (let at = folder; at !== dirname(at); at = dirname(at)) {
    const found = statOf(at);
    if (found === undefined) continue;
    return found.isDirectory
      ? undefined
      : `${at} is no folder: set DATA_DIR to a folder, which is made if it is not there`;
  }
  return undefined;
}

/** @returns What this process may not use of the files and their folder. */
function forbidden(path: string): string | undefined {
  const probe = `${path}-probe`;
  for (
    const [one, attempt] of [
      [dirname(path), () => {
        Deno.openSync(probe, { write: true, create: true }).close();
        Deno.removeSync(probe);
      }],
      [path, () => touch(path)],
      [`${path}-wal`, () => touch(`${path}-wal`)],
    ] as const
  ) {
    try {
      attempt();
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === "EROFS") return `${one} is on a disk that is read-only`;
      if (code !== "EACCES" && code !== "EPERM") continue;
      return `this process may not read and write ${one}${
        ownership(one)
      }: run the service as its owner, or give it the folder with chown -R`;
    }
  }
  return undefined;
}

/** Opens a file to read and write, and leaves it as it is. */
function touch(path: string): void {
  Deno.openSync(path, { read: true, write: true }).close();
}

/** The mode of a file; where the system has none, nobody else may read it. */
function modeOf(path: string): number {
  return Deno.statSync(path).mode ?? 0;
}

function ownership(path: string): string {
  const stat = statOf(path);
  if (stat === undefined) return "";
  const mode = ((stat.mode ?? 0) & 0o777).toString(8).padStart(4, "0");
  return ` (owner: user ${stat.uid}, mode ${mode})`;
}
