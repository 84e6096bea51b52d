import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeMeta,
  encodeMeta,
} from "../../../src/log/jetstream/object_meta.ts";
import {
  chunkIdOf,
  chunkSubject,
  isSnapshotSubject,
  metaSubject,
  newChunkId,
  sequenceOf,
  snapshotName,
  snapshotNameOf,
  writerOf,
} from "../../../src/log/jetstream/object_names.ts";
import { infoAt } from "../../support/object_files.ts";

const permissions = "none";
const replicaIds = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);

Deno.test({
  name: "a chunk id tells which replica has written it, whatever its name",
  permissions,
  fn: () =>
    fc.assert(fc.property(replicaIds, (replicaId) => {
      const id = newChunkId(replicaId);
      assert.equal(writerOf(id), replicaId);
      assert.equal(writerOf(chunkIdOf(chunkSubject("B", id))), replicaId);
      assert.notEqual(newChunkId(replicaId), id);
    })),
});

Deno.test({
  name:
    "ids that the libraries of the object store make, and wildcards, are no replica's",
  permissions,
  fn: () => {
    for (
      const id of [
        "9WEP2HB3TCORX7WM7EI1M5",
        "",
        ">",
        "*",
        "a-*",
        "a-short",
        "a",
      ]
    ) assert.equal(writerOf(id), undefined, id);
  },
});

Deno.test({
  name:
    "a subject of metadata tells the snapshot's name, and other objects have none",
  permissions,
  fn: () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat({ max: 99 }), (sequence, later) => {
        const name = snapshotName(infoAt(sequence), later);
        assert.equal(snapshotNameOf(metaSubject("B", name)), name);
        assert.equal(sequenceOf(name), sequence);
      }),
    );
    assert.equal(
      snapshotName(infoAt(7, "2026-12-31T23:59:59.999Z"), 2),
      "usergrades-20270101T000001Z-7.csv.gz",
    );
    fc.assert(fc.property(fc.string(), (name) => {
      assert.equal(snapshotNameOf(metaSubject("B", name)), undefined);
      assert.equal(snapshotNameOf(`$O.B.M.${name}`), undefined);
    }));
  },
});

Deno.test({
  name: "the subjects that only snapshots need are told from those of the log",
  permissions,
  fn: () => {
    for (
      const subject of [
        "$O.LOG-snapshots.C.x",
        "$JS.API.STREAM.INFO.OBJ_LOG-snapshots",
        "$JS.API.STREAM.MSG.GET.OBJ_LOG-snapshots",
        "$JS.API.STREAM.PURGE.LOG",
      ]
    ) assert.ok(isSnapshotSubject(subject, "LOG"), subject);
    for (
      const subject of [
        "log.v1.set.OBJ_LOG-snapshots",
        "log-replicas.a",
        "$JS.API.STREAM.INFO.LOG",
        "$JS.API.STREAM.MSG.GET.LOG",
        "$O.OTHER-snapshots.C.x",
      ]
    ) assert.ok(!isSnapshotSubject(subject, "LOG"), subject);
  },
});

const META = {
  name: "usergrades-20261126T010203Z-7.csv.gz",
  bucket: "B",
  chunkId: `a-${"x".repeat(22)}`,
  bytes: 5,
  chunks: 1,
  digest: "SHA-256=",
  stored: "2026-11-26T01:02:04.000Z",
  info: infoAt(7),
  isVerified: true,
};

Deno.test({
  name:
    "metadata comes back as it was stored, and whatever is not ours is none",
  permissions,
  fn: () => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    for (const isVerified of [true, false]) {
      const meta = { ...META, isVerified };
      assert.deepEqual(decodeMeta(bytes(encodeMeta(meta))), meta);
    }
    const json = JSON.parse(encodeMeta(META));
    for (
      const lies of [
        { deleted: true },
        { nuid: "9WEP2HB3TCORX7WM7EI1M5" },
        { nuid: ">" },
        { size: -1 },
        { chunks: 1.5 },
        { metadata: {} },
        { metadata: { ...json.metadata, backup: "{}" } },
        { digest: undefined },
      ]
    ) {
      const text = JSON.stringify({ ...json, ...lies });
      assert.equal(decodeMeta(bytes(text)), undefined, text);
    }
    fc.assert(fc.property(fc.json(), (text) => {
      assert.equal(decodeMeta(bytes(text)), undefined);
    }));
  },
});
