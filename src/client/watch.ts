/**
 * Watching changes: one stream after the other, as if it were one.
 *
 * @module
 */
import {
  RefusedError,
  UnavailableError,
  type UserGradeError,
  WatchEndedError,
} from "./errors.ts";
import {
  type EventBlock,
  eventBlocks,
  EventStreamError,
} from "./event_blocks.ts";
import { type Listener, pause } from "./listener.ts";
import type { WatchedChange } from "./user_grade.ts";

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

/** A change, and whether its entry ends with it. */
type Pending = Omit<WatchedChange, "sequence">;

/**
 * The changes in the order of the log, each once, whatever happens to
 * connections and replicas. It is read by one `for await`; leaving that closes
 * the stream.
 */
export class Watch implements AsyncIterable<WatchedChange> {
  #sequence: number | undefined;

  constructor(
    private readonly listener: Listener,
    private readonly options: WatchOptions,
  ) {
    this.#sequence = options.after;
  }

  /**
   * Up to where everything was told; undefined until the service has said where
   * it begins. A later watch goes on `after` it.
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
    const { signal } = this.options;
    let lastHeard_ms = performance.now();
    let retry_ms = RETRY_MS_MIN;
    for (;;) {
      try {
        for await (const changes of this.#stream()) {
          lastHeard_ms = performance.now();
          retry_ms = RETRY_MS_MIN;
          yield* changes;
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
  async *#stream(): AsyncGenerator<WatchedChange[], void> {
    const response = await this.#open();
    let pending: Pending[] = [];
    for await (const block of eventBlocks(response.body!, SILENCE_MS_MAX)) {
      if (block.event === "end") throw endError(block.data);
      const change = changeOf(block);
      if (change !== undefined && pending.push(change) > ENTRY_CHANGES_MAX) {
        throw new EventStreamError("It has an entry without an end");
      }
      if (block.id === undefined) continue;
      const sequence = Number(block.id);
      // An entry is told wholly or, after a break, once more from its beginning.
      const changes = pending.map((one) =>
        ({ ...one, sequence }) as WatchedChange
      );
      pending = [];
      this.#sequence = sequence;
      yield changes;
    }
  }

  async #open(): Promise<Response> {
    const { userIds = [], signal } = this.options;
    const query = new URLSearchParams(
      userIds.map((id): [string, string] => ["user_id", id]),
    );
    if (this.#sequence !== undefined) {
      query.set("after", String(this.#sequence));
    }
    const path = query.size > 0 ? `/watch?${query}` : "/watch";
    try {
      return await this.listener.send({ path, signal }, (response) => response);
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
      return { type: "set", grade: JSON.parse(data) } as Pending;
    case "delete":
      return { type: "delete", user_id: JSON.parse(data).user_id } as Pending;
    default:
      return undefined;
  }
}

function endError(data: string | undefined): UserGradeError {
  const { reason, detail } = JSON.parse(data ?? "{}");
  return FINAL_REASONS.includes(reason)
    ? new WatchEndedError(`The watch has ended: ${detail}`, reason)
    : new UnavailableError(`The stream has ended: ${detail}`);
}

function isFinal(error: unknown): boolean {
  return error instanceof WatchEndedError || error instanceof RefusedError;
}
