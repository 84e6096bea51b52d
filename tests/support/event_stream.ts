/**
 * Reading server-sent events block by block, for tests: a block alone with an
 * id is no event, so client libraries do not show it.
 *
 * @module
 */
import assert from "node:assert/strict";

/** One block; a comment is a field without a name. */
export type EventBlock = Partial<
  Record<"" | "event" | "data" | "id" | "retry", string>
>;

/** A stream that is read as slowly as its test wants. */
export class EventStream {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = "";
  /** Blocks that have been read and not been asked for. */
  readonly #blocks: EventBlock[] = [];
  /** The id to go on with, as the HTML standard has it. */
  lastId: string | undefined;

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
  }

  /** Takes over an answer, and checks that it is a stream of events. */
  static of(response: Response): EventStream {
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    return new EventStream(response.body!);
  }

  /** The next block; undefined at the end. */
  async block(): Promise<EventBlock | undefined> {
    while (this.#blocks.length === 0) {
      if (!await this.#read()) return undefined;
    }
    const block = this.#blocks.shift()!;
    if (block.id !== undefined) this.lastId = block.id;
    return block;
  }

  /** The next block that is an event; undefined at the end. */
  async event(): Promise<EventBlock | undefined> {
    for (;;) {
      const block = await this.block();
      if (block === undefined || block.data !== undefined) return block;
    }
  }

  /** The next events, as many as wanted. */
  async events(count: number): Promise<EventBlock[]> {
    const events: EventBlock[] = [];
    while (events.length < count) {
      const event = await this.event();
      assert.ok(event !== undefined, `it ended after ${events.length} events`);
      events.push(event);
    }
    return events;
  }

  /** All blocks to the end. */
  async rest(): Promise<EventBlock[]> {
    const blocks: EventBlock[] = [];
    for (let block; (block = await this.block()) !== undefined;) {
      blocks.push(block);
    }
    return blocks;
  }

  /** Leaves the stream. */
  async leave(): Promise<void> {
    await this.#reader.cancel();
  }

  async #read(): Promise<boolean> {
    const { value, done } = await this.#reader.read();
    if (done) return false;
    const parts = (this.#text + this.#decoder.decode(value, { stream: true }))
      .split("\n\n");
    this.#text = parts.pop()!;
    this.#blocks.push(...parts.map(parse));
    return true;
  }
}

function parse(text: string): EventBlock {
  return Object.fromEntries(
    text.split("\n").map((line) => {
      const colon = line.indexOf(": ");
      assert.notEqual(colon, -1, line);
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
}
