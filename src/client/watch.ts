/**
 * Watching changes: one stream after the other, as if it were one.
 *
 * @module
 */
import {
  RefusedError,
  UnavailableError,
  UserGradeError,
  WatchEndedError,
} from "./errors.ts";
import {
  type EventBlock,
  eventBlocks,
  EventStreamError,
} from "./event_blocks.ts";
import { bodyOf, type Listener, pause } from "./listener.ts";
import { assertWellFormed, type WatchedChange } from "./user_grade.ts";

/** How long a stream may be silent: the service says something every 15 s. */
const SILENCE_MS_MAX = 45_000;

/** From the end of a stream to the next one, which is later if none comes. */
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 10_000;

/** After so long without a stream a watch gives up. */
const GIVE_UP_MS = 120_000;

/** The most changes of one entry: the log takes no more than 1 MiB in one. */
const ENTRY_CHANGES_MAX = 100_000;

/** What ends a watch for good. */
const FINAL_REASONS = ["ahead", "forked"];

/** What is watched. */
export interface WatchOptions {
  /** Only these users; all of them if it is left out. */
  readonly userIds?: readonly string[];
  /** The sequence after which changes are wanted; from now on if left out. */
  readonly after?: number;
  readonly signal?: AbortSignal;
}

/** A change whose entry has not ended. */
type Pending = Omit<WatchedChange, "sequence">;

/** Changes of one entry. */
interface ToldEntry {
  readonly sequence: number;
  readonly told: readonly WatchedChange[];
}

/**
 * The changes in the order of the log, each once, whatever happens to
 * connections and replicas. It is read by one `for await`; leaving that closes
 * the stream.
 */
export class Watch implements AsyncIterable<WatchedChange> {
  readonly #listener: Listener;
  readonly #options: WatchOptions;
  #sequence: number | undefined;

  /** @throws {TypeError} If a user id is not well-formed, or there is none. */
  constructor(listener: Listener, options: WatchOptions) {
    const { userIds, after } = options;
    if (userIds?.length === 0) {
      throw new TypeError(
        "There is no user to watch: leave userIds out to watch all of them",
      );
    }
    userIds?.forEach(assertWellFormed);
    this.#listener = listener;
    this.#options = options;
    this.#sequence = after;
  }

  /**
   * The last entry of which everything was told; undefined until the service has
   * said where it begins. Keep it when a change is dealt with: a later watch goes
   * on `after` it, and misses nothing. Of an entry with several changes that was
   * left in its middle, it tells all again.
   */
  get sequence(): number | undefined {
    return this.#sequence;
  }

  /**
   * @throws {WatchEndedError} If a backup has to be taken to go on.
   * @throws {RefusedError} If the service does not let one watch so.
   * @throws {UnavailableError} If no stream could be had for two minutes.
   * @throws The signal's reason, once it is aborted.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<WatchedChange, void> {
    const { signal } = this.#options;
    let lastHeard_ms = performance.now();
    let retry_ms = RETRY_MS_MIN;
    for (;;) {
      try {
        for await (const changes of this.#stream()) {
          retry_ms = RETRY_MS_MIN;
          const { told, sequence } = changes;
          yield* told.slice(0, -1);
          // Whoever has the last change has all of its entry.
          this.#sequence = sequence;
          yield* told.slice(-1);
          // What the reader took for them is no time without a stream.
          lastHeard_ms = performance.now();
        }
      } catch (error) {
        signal?.throwIfAborted();
        const isOver = performance.now() - lastHeard_ms > GIVE_UP_MS;
        if (isFinal(error) || isOver) throw error;
      }
      await pause(retry_ms, signal);
      retry_ms = Math.min(2 * retry_ms, RETRY_MS_MAX);
    }
  }

  /** One stream: the changes of each entry, or none where it only says how far. */
  async *#stream(): AsyncGenerator<ToldEntry, void> {
    const response = await this.#open();
    let pending: Pending[] = [];
    for await (const block of eventBlocks(bodyOf(response), SILENCE_MS_MAX)) {
      if (block.event === "end") throw endError(block.data);
      const change = changeOf(block);
      if (change !== undefined && pending.push(change) > ENTRY_CHANGES_MAX) {
        throw new EventStreamError("It has an entry without an end");
      }
      if (block.id === undefined) continue;
      const sequence = Number(block.id);
      // An entry is told wholly or, after a break, once more from its beginning.
      const told = pending.map((one) =>
        ({ ...one, sequence }) as WatchedChange
      );
      pending = [];
      yield { sequence, told };
    }
  }

  async #open(): Promise<Response> {
    const { userIds = [], signal } = this.#options;
    const query = new URLSearchParams(
      userIds.map((id): [string, string] => ["user_id", id]),
    );
    if (this.#sequence !== undefined) {
      query.set("after", String(this.#sequence));
    }
    const path = query.size > 0 ? `/watch?${query}` : "/watch";
    try {
      return await this.#listener.send(
        { path, signal },
        (response) => response,
      );
    } catch (error) {
      if (error instanceof RefusedError && error.answer?.status === 410) {
        throw new WatchEndedError(error.message, "forgotten", error.answer);
      }
      throw error;
    }
  }
}

function changeOf({ event, data }: EventBlock): Pending | undefined {
  if (data === undefined) return undefined;
  switch (event) {
    case "set":
      return { type: "set", grade: parse(data) } as Pending;
    case "delete":
      return { type: "delete", user_id: parse(data).user_id } as Pending;
    default:
      return undefined;
  }
}

/** @throws {UserGradeError} If it is no JSON: a change must not be passed over. */
function parse(data: string): Record<string, string> {
  try {
    return JSON.parse(data);
  } catch (cause) {
    throw new UserGradeError(
      "The watch has ended: the service sent a change that is no JSON",
      undefined,
      { cause },
    );
  }
}

function endError(data: string | undefined): UserGradeError {
  const { reason = "", detail } = parse(data ?? "{}");
  return FINAL_REASONS.includes(reason)
    ? new WatchEndedError(`The watch has ended: ${detail}`, reason)
    : new UnavailableError(`The stream has ended: ${detail}`);
}

function isFinal(error: unknown): boolean {
  return error instanceof UserGradeError &&
    !(error instanceof UnavailableError);
}
