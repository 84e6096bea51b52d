/**
 * The state from which a log is made that is not there: that of a file, because
 * an operator wants it (RESTORE_FROM).
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { LogInfo } from "./log/log.ts";
import type { RestoreProgress } from "./replica/readiness.ts";
import { SourceError } from "./snapshot/source.ts";
import type { SnapshotInfo } from "./snapshot/snapshot.ts";
import { type FileState, readState } from "./snapshot/state_file.ts";
import type { LaterState } from "./stored_states.ts";

const logger = getLogger(["usergrade"]);

/** How often a file is looked at that could not be restored. */
const LOOK_MS = 2_000;

/** What it needs to find out whether a file is restored, and what is in it. */
export interface RestorationPorts {
  /** The file's `file:` URL. */
  readonly url: string;
  /** Looks for the log; undefined if there is none. */
  find(): Promise<LogInfo | undefined>;
  /** A later state of the same log that is stored somewhere. */
  later(
    place: Pick<SnapshotInfo, "logId" | "sequence">,
  ): Promise<LaterState | undefined>;
  /** Why nothing goes on for now. */
  say(reason: string): void;
  /** How far the file is read. */
  progress(progress: RestoreProgress): void;
  /** Waits; rejects when it is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * Reads the file as soon as it can be read, where the log is absent or empty.
 *
 * @param signal Aborts it.
 * @returns The file's state, verified; undefined if the log has entries, which
 * the file must not write over.
 */
export async function stateToRestore(
  ports: RestorationPorts,
  signal: AbortSignal,
): Promise<FileState | undefined> {
  let said = "";
  for (;;) {
    const found = await ports.find();
    if (found !== undefined && hasEntries(found)) {
      sayUnused(ports.url, found);
      return undefined;
    }
    const state = await attempt(ports, signal);
    if (typeof state === "object") return state;
    ports.say(state);
    if (state !== said) logger.error("Not ready: {reason}", { reason: state });
    said = state;
    await ports.sleep(LOOK_MS, signal);
  }
}

/** @returns Whether a log ever had an entry. */
export function hasEntries(
  { lastSequence }: Pick<LogInfo, "lastSequence">,
): boolean {
  return lastSequence > 0;
}

/** Says that the log has entries, so that the file is left alone. */
export function sayUnused(url: string, { id, lastSequence }: LogInfo): void {
  logger.warn(
    "{url} (RESTORE_FROM) is left alone: the log {id} has had {sequence} entries. Unset RESTORE_FROM",
    { url, id, sequence: lastSequence },
  );
}

/** @returns The state, or why it can't be had. */
async function attempt(
  ports: RestorationPorts,
  signal: AbortSignal,
): Promise<FileState | string> {
  const { url } = ports;
  const reason = `restoring ${url} (RESTORE_FROM)`;
  try {
    return await readState(
      url,
      {
        id: crypto.getRandomValues(new Uint8Array(8)).toHex(),
        time: new Date().toISOString(),
      },
      {
        progress: (rows, percent) => ports.progress({ reason, rows, percent }),
        objection: async (place) => {
          const later = await ports.later(place);
          return later && objectionTo(place, later);
        },
      },
      signal,
    );
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return `${url} (RESTORE_FROM) can't be restored: ${error.message}. It is looked at again every ${
      LOOK_MS / 1000
    } s`;
  }
}

function objectionTo(
  { logId, sequence }: Pick<SnapshotInfo, "logId" | "sequence">,
  later: LaterState,
): string {
  return "unlisted" in later
    ? `${later.unlisted}, where a later state of its log ${logId} may be: repair that; or, to go back, delete what is there`
    : `${later.name} has its log ${logId} up to entry ${later.sequence}, and the file only up to entry ${sequence}: set RESTORE_FROM to that snapshot; or, to go back, delete it`;
}
