/**
 * What replicas did, by their own log lines. It does no I/O.
 *
 * @module
 */
import type { LogLine } from "../support/service_process.ts";

/** What is counted. Many lines of a kind in a short time are not all written. */
const COUNTED = {
  /** Processes that filled themselves from a peer. */
  peerStarts: /^Snapshot from (?!the bucket).*: ok, /,
  /** Processes that filled themselves from a snapshot in the broker. */
  bucketStarts: /^Snapshot from the bucket .*: ok, /,
  /** Replicas that went on from a snapshot, since the log was cut beyond them. */
  rejoins: /^The log was cut; going on from a snapshot/,
  written: /^Snapshot at sequence \d+ written to the bucket /,
  readBack: /^Snapshot at sequence \d+ read back from the bucket /,
  cuts: /^The log is cut: /,
  /** Snapshots that were found damaged before they counted, and after that. */
  damagedWhenVerified:
    /^Snapshot at sequence (\d+) in .* is deleted: damaged: /,
  damagedWhenRestored:
    /^Snapshot from the bucket .*, at sequence (\d+): damaged: /,
  /** Replicas that told a loss of the log, where one was or was not. */
  lossesTold: /^The log has lost entries \d+ to \d+, /,
} as const satisfies Record<string, RegExp>;

/** The counts. */
export type LineCounts = Record<keyof typeof COUNTED, number>;

/** Those that name a sequence. */
const DAMAGED = ["damagedWhenVerified", "damagedWhenRestored"] as const;

/** Lines that no fault explains. */
const SURPRISES = [
  /^Cannot compact the log: /,
  /^The log is not cut: /,
  /^The snapshot at sequence .* is left alone: /,
  /^Snapshots in .*: the log has lost entries/,
  // Whatever the broker loses, nobody who is away writes past it.
  /: two histories/,
];

/** Counts the lines of all processes. */
export class ReplicaLines {
  readonly #counts = Object.fromEntries(
    Object.keys(COUNTED).map((name) => [name, 0]),
  ) as LineCounts;

  /**
   * @param isDamaged Whether a snapshot at a sequence was damaged by a fault.
   * @param onSurprise Told of lines that no fault explains.
   */
  constructor(
    private readonly isDamaged: (sequence: number) => boolean,
    private readonly onSurprise: (what: string) => void,
  ) {}

  /** The counts so far. */
  get counts(): LineCounts {
    return { ...this.#counts };
  }

  /** Takes the lines of a process that has ended. */
  note(lines: readonly Pick<LogLine, "message">[]): void {
    for (const line of lines) {
      // A line quotes the values in it.
      const message = line.message.replaceAll('"', "");
      for (const name of Object.keys(COUNTED) as (keyof LineCounts)[]) {
        if (COUNTED[name].test(message)) this.#counts[name]++;
      }
      const damaged = DAMAGED.map((name) => COUNTED[name].exec(message)?.[1])
        .find((sequence) => sequence !== undefined);
      const isFalse = damaged !== undefined && !this.isDamaged(Number(damaged));
      if (isFalse || SURPRISES.some((one) => one.test(message))) {
        this.onSurprise(`a replica said: ${message}`);
      }
    }
  }
}
