import assert from "node:assert/strict";
import fc from "fast-check";
import {
  formatGzipHeader,
  parseGzipHeader,
} from "../../../src/snapshot/format/gzip_header.ts";
import { BackupError } from "../../../src/snapshot/format/backup_error.ts";

const permissions = "none";

const latin1 = fc.string({
  unit: fc.integer({ min: 1, max: 255 }).map((n) => String.fromCharCode(n)),
  maxLength: 300,
});

Deno.test({
  name:
    "parseGzipHeader() reads what formatGzipHeader() wrote, once it is whole",
  permissions,
  fn: () => {
    fc.assert(fc.property(
      fc.nat(2 ** 31),
      latin1,
      fc.dictionary(fc.constantFrom("UG", "BC", "\0\xff"), latin1, {
        minKeys: 1,
      }),
      (modified_s, name, subfields) => {
        const extra = new Map(Object.entries(subfields));
        const bytes = formatGzipHeader({ modified_s, name, extra });
        for (let length = 0; length < bytes.length; length++) {
          assert.equal(parseGzipHeader(bytes.subarray(0, length)), undefined);
        }
        assert.deepEqual(parseGzipHeader(Uint8Array.from([...bytes, 1, 2])), {
          modified_s,
          name,
          extra,
          comment: "",
          bytes: bytes.length,
        });
      },
    ));
  },
});

Deno.test({
  name: "parseGzipHeader() reads every field that RFC 1952 names",
  permissions,
  fn: () => {
    const text = (value: string) => new TextEncoder().encode(value);
    const bytes = Uint8Array.from([
      ...[0x1f, 0x8b, 8, 0x1e, 1, 0, 0, 0, 0, 255],
      // Two subfields, and one that claims more than there is.
      ...[
        17,
        0,
        ...text("BC"),
        2,
        0,
        7,
        7,
        ...text("UG"),
        3,
        0,
        ...text("a\0b"),
      ],
      ...[...text("XX"), 9, 0],
      ...text("name\0comment\0"),
      ...[0xab, 0xcd],
    ]);
    assert.deepEqual(parseGzipHeader(bytes), {
      modified_s: 1,
      name: "name",
      extra: new Map([["BC", "\x07\x07"], ["UG", "a\0b"]]),
      comment: "comment",
      bytes: bytes.length,
    });
    assert.equal(parseGzipHeader(bytes.subarray(0, -1)), undefined);
  },
});

Deno.test({
  name: "parseGzipHeader() refuses a header without end, and an unknown method",
  permissions,
  fn: () => {
    const head = [0x1f, 0x8b, 8, 0x08, 0, 0, 0, 0, 0, 255];
    const endless = new Uint8Array(200_000).fill(65);
    endless.set(head);
    assert.throws(() => parseGzipHeader(endless), BackupError);
    assert.throws(
      () => parseGzipHeader(Uint8Array.from(head.with(2, 9))),
      BackupError,
    );
  },
});
