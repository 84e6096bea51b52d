import assert from "node:assert/strict";
import { streamedSnapshot } from "../../src/snapshot/streamed_snapshot.ts";
import { backupOf, storageOf } from "../support/backup_bytes.ts";

const GRADES = Array.from({ length: 50 }, (_, i) => ({
  user_id: `user ${i}`,
  postpaid_limit: i,
  spp: 0,
  shipping_fee: 0,
  return_fee: 0,
}));

/** A stream that gives some bytes and then nothing, without an end. */
function stopping(
  bytes: Uint8Array<ArrayBuffer>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({ start: (stream) => stream.enqueue(bytes) });
}

Deno.test("streamedSnapshot() gives up a file that stops in its header, and lets go of it", async () => {
  const file = await backupOf(storageOf(GRADES));
  let closed = 0;
  await assert.rejects(
    streamedSnapshot(stopping(file.slice(0, 20)), () => closed++, 20),
    { message: "unreachable: no byte for 20 ms" },
  );
  assert.equal(closed, 1);
});

Deno.test("streamedSnapshot() gives up a file that stops in its rows", async () => {
  const file = await backupOf(storageOf(GRADES));
  using snapshot = await streamedSnapshot(
    stopping(file.slice(0, -10)),
    () => {},
    20,
  );
  await assert.rejects(
    Array.fromAsync(snapshot.blocks),
    { message: "unreachable: no byte for 20 ms" },
  );
});
