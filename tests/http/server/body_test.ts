import assert from "node:assert/strict";
import {
  BodyCrowdedOutError,
  BodyReader,
  BodyTooLargeError,
} from "../../../src/http/server/body.ts";

const permissions = "none";
const encoder = new TextEncoder();

/** A request whose body comes when it is told to. */
function request(length?: string) {
  let part!: (text: string) => void, end!: () => void;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      part = (text) => controller.enqueue(encoder.encode(text));
      end = () => controller.close();
    },
  });
  const headers: Record<string, string> = length === undefined
    ? {}
    : { "content-length": length };
  return {
    request: new Request("http://a", { method: "POST", body, headers }),
    part,
    end,
  };
}

/** Lets the reads that are ready go on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

Deno.test(
  "BodyReader ends the longest waiting bodies when those on their way have too many bytes",
  {
    permissions,
  },
  async () => {
    const reader = new BodyReader(10, () => 0, 25);
    const bodies = Array.from({ length: 4 }, () => request("10"));
    const results = bodies.map(({ request }) => reader.read(request));
    results[0].catch(() => {});
    results[1].catch(() => {});
    assert.equal(reader.pending, 2);
    for (const result of results.slice(0, 2)) {
      await assert.rejects(result, BodyCrowdedOutError);
    }
    // What ends makes room again.
    bodies[2].part("0123456789");
    bodies[2].end();
    assert.equal((await results[2]).length, 10);
    const another = request("10");
    const read = reader.read(another.request);
    for (const { part, end } of [bodies[3], another]) {
      part("0123456789");
      end();
    }
    assert.equal((await results[3]).length, 10);
    assert.equal((await read).length, 10);
    assert.equal(reader.pending, 0);
  },
);

Deno.test(
  "BodyReader counts what has come of bodies in chunks, and nothing of those that ended",
  {
    permissions,
  },
  async () => {
    const reader = new BodyReader(10, () => 0, 25);
    const bodies = Array.from({ length: 40 }, () => request());
    const results = bodies.map(({ request }) => reader.read(request));
    for (const result of results) result.catch(() => {});
    for (const { part } of bodies.slice(0, 5)) part("01234");
    await settle();
    assert.equal(reader.pending, 40);
    // The first one makes room, although it has come nearly whole.
    bodies[0].part("0123");
    await settle();
    assert.equal(reader.pending, 39);
    await assert.rejects(results[0], BodyCrowdedOutError);
    // Some are too long, some end.
    for (const { part, end } of bodies.slice(1)) {
      part("012345");
      end();
      await settle();
    }
    const outcomes = await Promise.allSettled(results);
    assert.equal(reader.pending, 0);
    assert.ok(
      outcomes.slice(1, 5).every((one) =>
        one.status === "rejected" && one.reason instanceof BodyTooLargeError
      ),
    );
    assert.ok(outcomes.slice(5).every(({ status }) => status === "fulfilled"));
  },
);

Deno.test(
  "BodyReader keeps no more than the limit of a body whose length is given twice",
  {
    permissions,
  },
  async () => {
    const reader = new BodyReader(10, () => 0);
    const body = request("1000000, 1000000");
    const result = reader.read(body.request);
    body.part("0123456789");
    body.part("0");
    await assert.rejects(result, BodyTooLargeError);
  },
);

Deno.test(
  "BodyReader counts nothing that comes of a body in the turn in which it made room",
  {
    permissions,
  },
  async () => {
    const reader = new BodyReader(10, () => 0, 25);
    for (let round = 0; round < 10; round++) {
      const [oldest, ...others] = Array.from({ length: 4 }, () => request());
      const results = [oldest, ...others].map(({ request }) =>
        reader.read(request)
      );
      oldest.part("01");
      await settle();
      // The others need its room before its next bytes are taken.
      for (const { part } of others) part("01234567");
      oldest.part("0123");
      await assert.rejects(results[0], BodyCrowdedOutError);
      for (const { end } of others) end();
      const lengths = (await Promise.all(results.slice(1)))
        .map(({ length }) => length);
      assert.deepEqual(lengths, [8, 8, 8]);
    }
  },
);
