/**
 * Getting a consumer that gives the entries after those that were fed. It does
 * no I/O.
 *
 * @module
 */
import type { EntryFeed } from "./entry_feed.ts";
import { type OpeningOptions, problemOf } from "./opening.ts";
import { Placement } from "./placement.ts";
import type { SessionOutput } from "./session_output.ts";
import type { StreamLook } from "./stream_look.ts";

/** Starts one consumer after the other. */
export class ConsumerStart {
  #placement = new Placement(undefined);
  #isBeforeFence = false;

  /**
   * @param feed What was fed.
   * @param options The stream.
   * @param output Takes what is to be done.
   */
  constructor(
    private readonly feed: EntryFeed,
    private readonly options: OpeningOptions,
    private readonly output: SessionOutput,
  ) {}

  /** Whether the consumer reads up to a fence only. */
  get isBeforeFence(): boolean {
    return this.#isBeforeFence;
  }

  /**
   * Takes a look at the stream that has what was fed.
   *
   * @param isBeforeFence Whether entries before a fence are wanted, and no more.
   * @returns Why no consumer is to be started; undefined if it may be.
   */
  prepare(look: StreamLook, isBeforeFence: boolean): string | undefined {
    const { feed } = this;
    this.#isBeforeFence = isBeforeFence;
    feed.noteExtent(look);
    feed.own.noteCut(look.firstSequence);
    if (look.identified !== undefined) feed.noteLast(look.identified);
    feed.expect(look.required);
    this.#placement = new Placement(look.leader);
    // Before anything is published again: what was right may have been edited.
    return problemOf(look, this.options);
  }

  /** Starts it. @param request The number of the request. */
  start(request: number): void {
    const first = this.feed.fed + 1;
    this.output.do({ type: "start_consumer", request, first });
  }

  /**
   * It was started.
   *
   * @param server The server that it is on; undefined if that is not told.
   * @returns What to do about it, as {@linkcode Placement.started} says it.
   */
  started(server: string | undefined): ReturnType<Placement["started"]> {
    return this.#placement.started(server);
  }
}
