/**
 * Which changes of the log's status are reported: each new state, and causes that
 * alternate only now and then. It does no I/O.
 *
 * @module
 */
import type { LogLoss } from "../healable_log.ts";
import type { LogStatus } from "../log.ts";

/** After how long a reason is reported again. */
export const REPEAT_MS = 60_000;

/** The most reasons that are remembered. */
const REASONS_MAX = 32;

/** What a status says besides its state and its reason. */
export type StatusDetails = Pick<
  LogStatus,
  "missing" | "loss" | "mayBeForked" | "isWhole"
>;

const NO_DETAILS: StatusDetails = {};

/** The states that only a look at the stream ends. */
const LASTING: ReadonlySet<LogStatus["state"]> = new Set([
  "ahead_of_log",
  "healing",
  "forked",
]);

/** Keeps the status as it was told. */
export class StatusTeller {
  #status: LogStatus = { state: "away", reason: "the log is not open yet" };
  /** Whether it stays as it is until the stream was judged. */
  #isLasting = false;
  /** When each reason was told, since the log was usable last. */
  readonly #told_ms = new Map<string, number>();

  /** The status as it was told last. */
  get status(): LogStatus {
    return this.#status;
  }

  /**
   * The stream was judged, and it has all that this replica has applied. That
   * the broker is away, or can't be asked, does not show that.
   */
  notAhead(): void {
    this.#isLasting = false;
  }

  /** @returns The status if it is another one now. */
  change(
    told: LogStatus["state"],
    reason: string,
    now_ms: number,
    { missing, loss, mayBeForked, isWhole }: StatusDetails = NO_DETAILS,
  ): LogStatus | undefined {
    const before = this.#status;
    // It needs another version of this program.
    if (before.state === "upgrade_required") return undefined;
    const lasts = told === "away" && this.#isLasting;
    // What is lost may be another thing now.
    if (lasts && loss === undefined) return undefined;
    const state = lasts ? before.state : told;
    if (
      state === before.state && reason === before.reason &&
      missing === before.missing && mayBeForked === before.mayBeForked &&
      isWhole === before.isWhole &&
      isSameLoss(loss, before.loss)
    ) return undefined;
    this.#isLasting = LASTING.has(state);
    const told_ms = this.#told_ms.get(reason) ?? -Infinity;
    const isRepeated = state === before.state && now_ms - told_ms < REPEAT_MS;
    if (state === "connected" || this.#told_ms.size >= REASONS_MAX) {
      this.#told_ms.clear();
    }
    if (!isRepeated) this.#told_ms.set(reason, now_ms);
    return this.#status = {
      state,
      reason,
      ...(missing !== undefined && { missing }),
      ...(loss !== undefined && { loss }),
      ...(mayBeForked !== undefined && { mayBeForked }),
      ...(isWhole !== undefined && { isWhole }),
      ...(isRepeated && { isRepeated }),
    };
  }
}

function isSameLoss(one: LogLoss | undefined, other: LogLoss | undefined) {
  return one?.type === other?.type && one?.reason === other?.reason &&
    one?.firstSequence === other?.firstSequence &&
    one?.lastSequence === other?.lastSequence &&
    one?.fence?.at === other?.fence?.at && one?.problem === other?.problem;
}
