/**
 * Reading server-sent events (HTML standard, 9.2.5) from a stream.
 *
 * @module
 */

/** A block of lines. */
export interface EventBlock {
  readonly event: string;
  /** Undefined if there is none, so that the block is no event. */
  readonly data: string | undefined;
  readonly id: string | undefined;
}

/** The most characters of a block: a record has less than 2,000. */
const BLOCK_CHARACTERS_MAX = 64 * 1024;

/** The stream is not what it says that it is. */
export class EventStreamError extends Error {
  override name = "EventStreamError";
}

/**
 * @param body The stream; it is canceled when no more blocks are taken.
 * @param idle_ms How long it may say nothing at all.
 * @returns Its blocks, those with comments alone too.
 * @throws {EventStreamError} If it says nothing for too long, or a block does
 * not end.
 */
export async function* eventBlocks(
  body: ReadableStream<Uint8Array>,
  idle_ms: number,
): AsyncGenerator<EventBlock, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await readWithin(reader, idle_ms);
      if (done) return;
      // A CR may come before its LF: it waits for it.
      text = (text + decoder.decode(value, { stream: true }))
        .replace(/\r\n/g, "\n");
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      if (text.length > BLOCK_CHARACTERS_MAX) {
        throw new EventStreamError("It has an event without an end");
      }
      for (const block of blocks) yield parseBlock(block);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function readWithin(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  idle_ms: number,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new EventStreamError(`It was silent for ${idle_ms} ms`)),
      idle_ms,
    );
  });
  try {
    return await Promise.race([reader.read(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function parseBlock(text: string): EventBlock {
  let event = "message";
  let id: string | undefined;
  let data: string | undefined;
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") event = value;
    else if (name === "id") id = value;
    else if (name === "data") {
      data = data === undefined ? value : `${data}\n${value}`;
    }
  }
  return { event, data, id };
}
