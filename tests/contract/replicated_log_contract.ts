/**
 * What every engine of the replicated log must do, tested once for all.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { EntryVersion } from "../../src/log/change.ts";
import {
  type LogEntry,
  NotStoredError,
  type ReplicatedLog,
} from "../../src/log/log.ts";
import { eventually } from "../support/eventually.ts";

/** A place where logs of one engine live. */
export interface LogPlace extends AsyncDisposable {
  /** Makes a log object for the place; it is not open yet. */
  log(): ReplicatedLog;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Some payload that a reader can tell from others. */
function payload(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(`[{"user_id":"${text}"}]`);
}

/** Proposes a batch, again as long as it is certainly not stored. */
async function propose(
  log: ReplicatedLog,
  batch: number,
  text: string,
  version?: EntryVersion,
): Promise<void> {
  let failure: unknown;
  await eventually(async () => {
    try {
      await log.propose(batch, payload(text), version);
    } catch (error) {
      if (error instanceof NotStoredError) throw error;
      failure = error;
    }
  });
  if (failure !== undefined) throw failure;
}

/** Reads entries until one has the sequence `last`. */
async function readTo(
  log: ReplicatedLog,
  after: number,
  last: number,
): Promise<LogEntry[]> {
  const read: LogEntry[] = [];
  if (after >= last) return read;
  for await (const { entries } of log.entries(after)) {
    read.push(...entries);
    if (read[read.length - 1].sequence >= last) break;
  }
  return read;
}

/** Opens a log, gives it to `use`, and closes it whatever happens. */
async function withLog(
  place: LogPlace,
  use: (log: ReplicatedLog, last: number) => Promise<void>,
): Promise<void> {
  const log = place.log();
  const { lastSequence } = await log.open();
  try {
    await use(log, lastSequence);
  } finally {
    await log.close();
  }
}

/**
 * Registers the suite.
 *
 * @param name The engine's name.
 * @param createPlace Makes a new, empty place.
 */
export function testReplicatedLog(
  name: string,
  createPlace: () => Promise<LogPlace>,
): void {
  const test = (sentence: string, fn: (place: LogPlace) => Promise<void>) =>
    Deno.test(`${name} ${sentence}`, async () => {
      await using place = await createPlace();
      await fn(place);
    });

  test("opens empty, with an identity of its own", async (place) => {
    const log = place.log();
    const info = await log.open();
    assert.match(info.id, /^\S+$/);
    assert.equal(info.firstSequence, 1);
    assert.equal(info.lastSequence, 0);
    await log.close();
    const again = place.log();
    assert.equal((await again.open()).id, info.id);
    await again.close();
  });

  test("gives proposed batches back in order, by their numbers", (place) =>
    withLog(place, async (log) => {
      const read = readTo(log, 0, 20);
      for (let batch = 1; batch <= 20; batch++) {
        await propose(log, batch, `u${batch}`);
      }
      const entries = await read;
      assert.deepEqual(
        entries.map(({ sequence, batch }) => [sequence, batch]),
        Array.from({ length: 20 }, (_, i) => [i + 1, i + 1]),
      );
      assert.ok(entries.every((entry) => entry.payload === undefined));
      assert.ok(
        entries.every(({ time }) => /^\d{4}-\d\d-\d\dT.*Z$/.test(time)),
      );
    }));

  test("takes many proposals at once", (place) =>
    withLog(place, async (log) => {
      const read = readTo(log, 0, 200);
      await Promise.all(
        Array.from(
          { length: 200 },
          (_, i) => propose(log, i + 1, `u${i}`),
        ),
      );
      const entries = await read;
      assert.deepEqual(
        entries.map(({ sequence }) => sequence),
        Array.from({ length: 200 }, (_, i) => i + 1),
      );
      assert.deepEqual(
        entries.map(({ batch }) => batch).sort((a, b) => a! - b!),
        Array.from({ length: 200 }, (_, i) => i + 1),
      );
    }));

  test("gives a later session the bytes and the version of what it has, whichever versions take turns", async (place) => {
    const versions: EntryVersion[] = [1, 2, 2, 1, 1, 2];
    await withLog(place, async (log) => {
      const read = readTo(log, 0, 3);
      for (const [i, version] of versions.slice(0, 3).entries()) {
        await propose(log, i + 1, `é${i + 1}`, version);
      }
      assert.deepEqual((await read).map(({ batch }) => batch), [1, 2, 3]);
    });
    await withLog(place, async (log, last) => {
      assert.equal(last, 3);
      const read = readTo(log, 0, 6);
      for (const [i, version] of versions.slice(3).entries()) {
        await propose(log, i + 1, `é${i + 4}`, version);
      }
      const entries = await read;
      assert.deepEqual(
        entries.map(({ batch }) => batch),
        [undefined, undefined, undefined, 1, 2, 3],
      );
    });
    await withLog(place, async (log) => {
      const entries = await readTo(log, 0, 6);
      assert.deepEqual(
        entries.map(({ payload }) => decoder.decode(payload)),
        versions.map((_, i) => `[{"user_id":"é${i + 1}"}]`),
      );
      assert.deepEqual(
        entries.map(({ version = 1 }) => version),
        versions,
      );
      assert.ok(entries.every(({ batch }) => batch === undefined));
    });
  });

  test("starts after any sequence", async (place) => {
    await withLog(place, async (log) => {
      const read = readTo(log, 0, 10);
      for (let batch = 1; batch <= 10; batch++) {
        await propose(log, batch, `u${batch}`);
      }
      await read;
    });
    for (const after of [1, 7, 9]) {
      await withLog(place, async (log) => {
        const entries = await readTo(log, after, 10);
        assert.deepEqual(
          entries.map(({ sequence }) => sequence),
          Array.from({ length: 10 - after }, (_, i) => after + 1 + i),
        );
      });
    }
  });

  test("goes on from stored entries to new ones without a gap", async (place) => {
    await withLog(place, async (log) => {
      const read = readTo(log, 0, 500);
      await Promise.all(
        Array.from(
          { length: 500 },
          (_, i) => propose(log, i + 1, `u${i}`),
        ),
      );
      await read;
    });
    await withLog(place, async (log) => {
      const read = readTo(log, 0, 600);
      await Promise.all(
        Array.from(
          { length: 100 },
          (_, i) => propose(log, i + 1, `v${i}`),
        ),
      );
      const entries = await read;
      assert.deepEqual(
        entries.map(({ sequence }) => sequence),
        Array.from({ length: 600 }, (_, i) => i + 1),
      );
      assert.equal(
        entries.filter(({ batch }) => batch !== undefined).length,
        100,
      );
    });
  });

  test("says where it stands, and when it took an entry", (place) =>
    withLog(place, async (log) => {
      assert.deepEqual(await log.locate(0), {
        firstSequence: 1,
        lastSequence: 0,
        time: undefined,
      });
      const read = readTo(log, 0, 3);
      for (let batch = 1; batch <= 3; batch++) {
        await propose(log, batch, `u${batch}`);
      }
      for (const { sequence, time } of await read) {
        assert.deepEqual(await log.locate(sequence), {
          firstSequence: 1,
          lastSequence: 3,
          time,
        });
      }
      assert.equal((await log.locate(4)).time, undefined);
    }));

  test("ends its entries when it is closed", async (place) => {
    const log = place.log();
    await log.open();
    const ended = (async () => {
      for await (const _ of log.entries(0)) { /* none come */ }
    })();
    await log.close();
    await ended;
  });
}
