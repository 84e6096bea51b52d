import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { BackupError } from "../../../src/snapshot/format/backup_error.ts";
import { ByteReader } from "../../../src/snapshot/format/byte_reader.ts";
import { gunzip } from "../../../src/snapshot/format/gunzip.ts";
import { chunked } from "../../support/backup_bytes.ts";

const permissions = "none";
const HELLO = new Uint8Array(gzipSync("hello "));
const WORLD = new Uint8Array(gzipSync("world".repeat(100_000)));
const EMPTY = new Uint8Array(gzipSync(""));
const TEXT = "hello " + "world".repeat(100_000);

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

async function unzipped(
  bytes: Uint8Array<ArrayBuffer>,
  chunkSize: number,
): Promise<string> {
  let text = "";
  const chunks = gunzip(new ByteReader(chunked(bytes, chunkSize)));
  for await (const chunk of chunks) text += new TextDecoder().decode(chunk);
  return text;
}

const CHUNK_SIZES = [1, 7, 30, 1e9];

Deno.test({
  name:
    "gunzip() unzips members one after another, with zeros between and behind",
  permissions,
  fn: async () => {
    const zeros = new Uint8Array(700);
    for (
      const file of [
        [HELLO, WORLD],
        [HELLO, WORLD, zeros],
        [HELLO, zeros, WORLD],
        [EMPTY, HELLO, EMPTY, WORLD, EMPTY, EMPTY],
        [HELLO, new Uint8Array(1), WORLD, new Uint8Array(1)],
      ]
    ) {
      for (const chunkSize of CHUNK_SIZES) {
        assert.equal(await unzipped(joined(...file), chunkSize), TEXT);
      }
    }
  },
});

Deno.test({
  name:
    "gunzip() refuses a member that is cut at any byte, and bytes that are none",
  permissions,
  fn: async () => {
    for (const chunkSize of CHUNK_SIZES) {
      for (let length = 1; length < HELLO.length; length++) {
        for (const before of [new Uint8Array(0), HELLO]) {
          await assert.rejects(
            unzipped(joined(before, HELLO.subarray(0, length)), chunkSize),
            (error) => {
              assert.ok(error instanceof BackupError, `${error}`);
              assert.match(error.message, /damaged or cut short/);
              return true;
            },
          );
        }
      }
      for (const tail of ["garbage", "\0x", "\x1f", "\x1f\x8b"]) {
        await assert.rejects(
          unzipped(joined(HELLO, new TextEncoder().encode(tail)), chunkSize),
          BackupError,
        );
      }
    }
  },
});

Deno.test({
  name: "gunzip() checks the sum and the length of each member",
  permissions,
  fn: async () => {
    for (let back = 1; back <= 8; back++) {
      const bytes = joined(HELLO, WORLD);
      bytes[HELLO.length - back] ^= 1;
      await assert.rejects(unzipped(bytes, 100), /check sum is wrong/);
    }
  },
});

Deno.test({
  name:
    "gunzip() throws what the stream throws, and reads no more than is wanted",
  permissions,
  fn: async () => {
    const broken = new Error("the stream broke");
    let pulls = 0;
    const stream = (size: number, fails: boolean) =>
      new ReadableStream<Uint8Array<ArrayBuffer>>({
        pull: (controller) => {
          if (fails && pulls > 2) throw broken;
          controller.enqueue(WORLD.slice(pulls * size, ++pulls * size));
        },
      }, { highWaterMark: 0 });
    await assert.rejects(
      Array.fromAsync(gunzip(new ByteReader(stream(20, true)))),
      broken,
    );
    pulls = 0;
    const noise = crypto.getRandomValues(new Uint8Array(65_536));
    const large = new Uint8Array(
      gzipSync(joined(...Array.from({ length: 16 }, () => noise))),
    );
    const reader = new ByteReader(
      new ReadableStream<Uint8Array<ArrayBuffer>>({
        pull: (controller) => {
          controller.enqueue(large.slice(pulls * 1000, ++pulls * 1000));
        },
      }, { highWaterMark: 0 }),
    );
    for await (const _ of gunzip(reader)) break;
    // One chunk of 64 KiB is out, some wait.
    assert.ok(pulls < 400, `${pulls} of ${large.length / 1000}`);
  },
});
